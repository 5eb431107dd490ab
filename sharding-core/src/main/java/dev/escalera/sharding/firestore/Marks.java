package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldPath;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The marks of the last changes of a document, the latest first; a put clears them. Immutable.
 *
 * @param latest of them
 */
record Marks(List<String> latest) {
  static final String NAME = "_escalera_updates";
  static final FieldPath FIELD = FieldPath.of(NAME);

  private static final int KEPT = 32;

  static Marks of(DocumentSnapshot document) {
    return document.exists() && document.get(FIELD) instanceof List<?> marks
        ? new Marks(marks.stream().map(String::valueOf).toList())
        : new Marks(List.of());
  }

  /** Returns a mark that is no other's: of 2^60, and compared with 32 at most. */
  static String fresh() {
    return Long.toString(ThreadLocalRandom.current().nextLong() >>> 4, Character.MAX_RADIX);
  }

  boolean has(String mark) {
    return latest.contains(mark);
  }

  Marks with(String mark) {
    List<String> marks = new ArrayList<>(latest);
    marks.add(0, mark);
    return new Marks(List.copyOf(marks.subList(0, Math.min(KEPT, marks.size()))));
  }

  /**
   * Returns whether a change that was made on a document with {@code before} would still be seen
   * here, if no put has replaced it.
   */
  boolean tellsAll(Marks before) {
    return latest.size() < KEPT
        || (!before.latest.isEmpty() && latest.contains(before.latest.get(0)));
  }

  List<String> toFirestore() {
    return latest;
  }
}
