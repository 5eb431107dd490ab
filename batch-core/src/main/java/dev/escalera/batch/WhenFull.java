package dev.escalera.batch;

/** What {@link BatchExecutor#submit} does when as many operations wait as may. */
public enum WhenFull {
  /** It waits for room. */
  BLOCK,
  /** It throws a {@link BatchException}. */
  REJECT
}
