package dev.escalera.sharding;

/** How a field is compared. Only values of the same type are greater or less. */
public enum Operator {
  /** Equal; 1 and 1.0 are. */
  EQUAL,
  /** Less. */
  LESS,
  /** Less or equal. */
  LESS_OR_EQUAL,
  /** Greater. */
  GREATER,
  /** Greater or equal. */
  GREATER_OR_EQUAL,
  /** Equal to one of a list of 1 to 30 values. */
  IN,
  /** A list, an element of which is equal. */
  ARRAY_CONTAINS
}
