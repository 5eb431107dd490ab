package dev.escalera.sharding.internal;

import java.util.Locale;

/**
 * What stands in a bucket, on the target that has it, and is checked together with each write: who
 * may write, as of which epoch of the catalog, and in which term it was put there. Only flipped as
 * a whole, by compare-and-set.
 *
 * @param mode whether writes are let in
 * @param epoch how often the bucket has changed its owner, plus one
 * @param term grows with each one who takes the bucket in hand
 */
public record Fence(Mode mode, long epoch, long term) {
  /** Of a bucket that was just made. */
  static final Fence FIRST = new Fence(Mode.OPEN, 1, 1);

  /** Whether writes are let in. */
  public enum Mode {
    /** They are, if the writer knows the epoch. */
    OPEN,
    /** They are not, for a moment. */
    FROZEN,
    /** They never are again: the bucket has another owner, and what is left serves old cursors. */
    RETIRED
  }

  /** Returns whether a writer that knows an epoch is let in. */
  public boolean admits(long known) {
    return mode == Mode.OPEN && epoch == known;
  }

  /** Returns what {@link #text} begins with if a writer that knows an epoch is let in. */
  public static String admission(long known) {
    return Mode.OPEN + " " + known + " ";
  }

  /** Returns mode, epoch and term, separated by spaces. */
  public String text() {
    return mode + " " + epoch + " " + term;
  }

  /** Throws IllegalArgumentException if the text is none of {@link #text}. */
  public static Fence parse(String text) {
    String[] parts = text.split(" ", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException("a fence is \"" + Names.escape(text) + "\"");
    }
    return new Fence(
        Mode.valueOf(parts[0].toUpperCase(Locale.ROOT)),
        Long.parseLong(parts[1]),
        Long.parseLong(parts[2]));
  }
}
