package dev.escalera.sharding;

/** Which way an order goes. */
public enum Direction {
  /** The least first. */
  ASCENDING,
  /** The greatest first. */
  DESCENDING
}
