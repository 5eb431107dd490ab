package dev.escalera.examples.quickstart;

import dev.escalera.batch.BatchReport;
import dev.escalera.sharding.Partition;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The table that the quickstart prints. */
final class Report {
  private static final int TOP = 5;

  private final Table steps = new Table().row("Step", "Took", "What");
  private List<Partition> partitions = List.of();
  private @Nullable Overview overview;

  void written(Timed<BatchReport> written, List<Partition> counted) {
    partitions = counted;
    long stored = counted.stream().mapToLong(Partition::documents).sum();
    step(
        "write",
        written,
        "%,d messages, %,.0f/s",
        written.value().progress().applied(),
        written.value().progress().rate());
    note("counted back", "%,d documents in %,d partitions", stored, counted.size());
  }

  void overview(Timed<Overview> cold, Timed<Overview> warm, Timed<Overview> again) {
    overview = cold.value();
    step(
        "overview, cold",
        cold,
        "%,d messages, %,d store reads",
        cold.value().messages(),
        cold.value().reads());
    step("overview, warm", warm, "from the cache, 0 store reads");
    step("overview, invalidated", again, "%,d store reads", again.value().reads());
  }

  void requests(int requests, Timed<Long> before, Timed<Long> after, double hitRate) {
    step(
        "requests, no cache",
        before,
        "%,d requests, %.1f store reads a request",
        requests,
        (double) before.value() / requests);
    step(
        "requests, cached",
        after,
        "%,d requests, %.1f store reads a request",
        requests,
        (double) after.value() / requests);
    note(
        "saved",
        "hit rate %.1f %%, %,d store reads saved",
        100 * hitRate,
        before.value() - after.value());
  }

  void limited(int users, int calls, Timed<Integer> admitted, Map<String, String> headers) {
    int asked = users * calls;
    step(
        "limit 10/min a user",
        admitted,
        "%d users x %d calls: %d admitted, %d denied",
        users,
        calls,
        admitted.value(),
        asked - admitted.value());
    note("told", "%s", new TreeMap<>(headers));
  }

  void conversation(Ranked busiest, long pages, long messages, Timed<Boolean> paged) {
    step(
        "conversation",
        paged,
        "\"%s\": %,d messages on %,d pages",
        busiest.name(),
        messages,
        pages);
  }

  List<Partition> partitions() {
    return partitions;
  }

  Overview overview() {
    return Objects.requireNonNull(overview, "the overview step has run");
  }

  void print(PrintStream out) {
    out.println();
    steps.print(out);
    out.println();
    out.println("Top authors");
    Table authors = new Table();
    overview().authors().stream()
        .limit(TOP)
        .forEach(author -> authors.row("  " + author.name(), count(author.messages())));
    authors.print(out);
    out.println();
    out.println("Documents a partition (months in UTC)");
    months().print(out);
  }

  /** A row a year, a column a month. */
  private Table months() {
    Map<String, String[]> years = new TreeMap<>();
    for (Partition partition : partitions) {
      String[] parts = partition.name().split("_", -1);
      years.computeIfAbsent(parts[0], year -> new String[12])[Integer.parseInt(parts[1]) - 1] =
          count(partition.documents());
    }
    Table table =
        new Table().row("", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12");
    years.forEach(
        (year, counts) -> {
          String[] row = new String[13];
          row[0] = "  " + year;
          for (int month = 0; month < 12; month++) {
            row[month + 1] = Objects.requireNonNullElse(counts[month], "");
          }
          table.row(row);
        });
    return table;
  }

  private void step(String what, Timed<?> timed, String text, Object... values) {
    steps.row(what, timed.text(), String.format(Locale.ROOT, text, values));
  }

  private void note(String what, String text, Object... values) {
    steps.row(what, "", String.format(Locale.ROOT, text, values));
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }
}
