package dev.escalera.batch;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Shows the progress of a run on a console: on a terminal a bar that is drawn anew in its line,
 * elsewhere plain lines. Give it to {@link BatchRun#onProgress}. For use by one run.
 */
public final class ConsoleProgress implements Consumer<Progress> {
  private static final int WIDTH = 24;

  private final PrintStream out;
  private final boolean terminal;
  private int drawn;

  /**
   * Makes a renderer.
   *
   * @param out where to print
   * @param terminal whether a carriage return moves to the start of the line there
   */
  public ConsoleProgress(PrintStream out, boolean terminal) {
    this.out = Objects.requireNonNull(out, "out");
    this.terminal = terminal;
  }

  /**
   * Prints the progress; the line of a terminal ends when nothing is in flight and the total, if
   * known, is reached.
   */
  @Override
  public void accept(Progress progress) {
    String line = line(progress);
    if (!terminal) {
      out.println(line);
      return;
    }
    out.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
    drawn = line.length();
    if (ended(progress)) {
      out.println();
    }
    out.flush();
  }

  private String line(Progress progress) {
    StringBuilder line = new StringBuilder(progress.name()).append(": ");
    long settled = progress.settled();
    if (terminal && progress.total().isPresent()) {
      line.append(bar(settled, progress.total().getAsLong())).append(' ');
    }
    line.append(String.format(Locale.ROOT, "%,d", settled));
    progress.total().ifPresent(total -> line.append(String.format(Locale.ROOT, " of %,d", total)));
    line.append(String.format(Locale.ROOT, ", %,.0f/s", progress.rate()));
    if (!ended(progress)) {
      progress.timeLeft().ifPresent(left -> line.append(", ").append(text(left)).append(" left"));
    }
    if (progress.failed() + progress.unknown() > 0) {
      line.append(
          String.format(
              Locale.ROOT, ", %,d failed, %,d unknown", progress.failed(), progress.unknown()));
    }
    return line.toString();
  }

  private static boolean ended(Progress progress) {
    return progress.inFlight() == 0 && progress.settled() >= progress.total().orElse(0);
  }

  private static String bar(long settled, long total) {
    int full = total == 0 ? WIDTH : (int) Math.min(WIDTH, settled * WIDTH / total);
    return "[" + "#".repeat(full) + ".".repeat(WIDTH - full) + "]";
  }

  private static String text(Duration left) {
    long seconds = left.plusMillis(999).toSeconds();
    return seconds < 60 ? seconds + " s" : seconds / 60 + " min " + seconds % 60 + " s";
  }
}
