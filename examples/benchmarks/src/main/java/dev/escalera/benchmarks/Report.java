package dev.escalera.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The table of bars: contender, bar, ratio, spread, and whether it is met. */
public final class Report {
  private static final Row HEAD = new Row("contender", "against", "bar", "ratio", "spread", "");

  private final List<Row> rows = new ArrayList<>();
  private final PrintStream progress;
  private boolean anyShort;

  Report(PrintStream progress) {
    this.progress = progress;
  }

  private record Row(
      String contender, String against, String bar, String ratio, String spread, String verdict) {
    List<String> cells() {
      return List.of(contender, against, bar, ratio, spread, verdict);
    }
  }

  /**
   * Adds a bar that is met by a small ratio.
   *
   * @param contender who is measured, at what
   * @param against whom it is compared with
   * @param bar the largest ratio that meets it
   * @param ratio ours to theirs
   */
  public void atMost(String contender, String against, double bar, Ratio ratio) {
    add(contender, against, "<= " + Ratio.format(bar), ratio, ratio.median() <= bar);
  }

  /**
   * Adds a bar that is met by a large ratio.
   *
   * @param contender who is measured, at what
   * @param against whom it is compared with
   * @param bar the smallest ratio that meets it
   * @param ratio ours to theirs
   */
  public void atLeast(String contender, String against, double bar, Ratio ratio) {
    add(contender, against, ">= " + Ratio.format(bar), ratio, ratio.median() >= bar);
  }

  /**
   * Adds a comparison without a bar.
   *
   * @param contender who is measured, at what
   * @param against whom it is compared with
   * @param ratio the first to the second
   */
  public void note(String contender, String against, Ratio ratio) {
    rows.add(new Row(contender, against, "", Ratio.format(ratio.median()), ratio.spread(), ""));
  }

  /**
   * Tells whoever waits what is going on.
   *
   * @param line a line
   */
  public void progress(String line) {
    progress.println(line);
  }

  boolean isShort() {
    return anyShort;
  }

  void print(PrintStream out) {
    List<List<String>> lines =
        Stream.concat(Stream.of(HEAD), rows.stream()).map(Row::cells).toList();
    List<Integer> widths =
        IntStream.range(0, HEAD.cells().size())
            .mapToObj(
                column -> lines.stream().mapToInt(l -> l.get(column).length()).max().orElse(0))
            .toList();
    for (List<String> line : lines) {
      out.println(
          IntStream.range(0, line.size())
              .mapToObj(i -> line.get(i) + " ".repeat(widths.get(i) - line.get(i).length()))
              .collect(Collectors.joining("  "))
              .stripTrailing());
    }
  }

  private void add(String contender, String against, String bar, Ratio ratio, boolean met) {
    anyShort |= !met;
    rows.add(
        new Row(
            contender,
            against,
            bar,
            Ratio.format(ratio.median()),
            ratio.spread(),
            met ? "ok" : "short"));
  }
}
