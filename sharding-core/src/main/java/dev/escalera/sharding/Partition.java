package dev.escalera.sharding;

/**
 * A partition that exists. Immutable.
 *
 * @param name such as {@code 2026_11}
 * @param documents how many it holds
 */
public record Partition(String name, long documents) {}
