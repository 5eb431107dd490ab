package dev.escalera.benchmarks.cache;

/**
 * A value of an ordinary size.
 *
 * @param symbol a name
 * @param price a number
 * @param text some text
 */
public record Quote(String symbol, long price, String text) {
  Quote(String symbol, long price) {
    this(symbol, price, "a text that makes the value as long as values are ".repeat(4));
  }
}
