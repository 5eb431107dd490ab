package dev.escalera.sharding.internal;

/**
 * What the catalog says of a bucket. Only changed as a whole, by compare-and-set.
 *
 * @param bucket which one
 * @param owner the name of the target that has it
 * @param epoch how often it has changed its owner, plus one
 * @param term grows with each change of the entry
 */
public record Entry(Bucket bucket, String owner, long epoch, long term) {
  /** Returns epoch, term and owner, separated by spaces. */
  public String text() {
    return epoch + " " + term + " " + owner;
  }

  /** Throws IllegalArgumentException if the text is none of {@link #text}. */
  public static Entry parse(Bucket bucket, String text) {
    String[] parts = text.split(" ", 3);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "the catalog says of bucket " + bucket + " \"" + Names.escape(text) + "\"");
    }
    return new Entry(bucket, parts[2], Long.parseLong(parts[0]), Long.parseLong(parts[1]));
  }
}
