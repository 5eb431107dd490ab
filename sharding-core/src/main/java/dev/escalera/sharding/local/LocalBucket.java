package dev.escalera.sharding.local;

import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.DocumentCodec;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import dev.escalera.sharding.internal.LexRange;
import dev.escalera.sharding.internal.Plan;
import dev.escalera.sharding.internal.Row;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One bucket in memory: its fence, the documents, a sorted map an index as in Redis, and what the
 * last hour's writes replaced, for snapshots. Guarded by itself, and never for longer than a
 * look-up.
 */
final class LocalBucket {
  private final Bucket bucket;
  private final Moments moments;
  private final Map<String, Row> rows = new HashMap<>();
  private final Map<List<IndexField>, NavigableMap<byte[], Row>> indexes = new HashMap<>();
  private final Deque<Change> changes = new ArrayDeque<>();
  private @Nullable Fence fence;

  private record Change(long at, @Nullable Row before, @Nullable Row after) {}

  LocalBucket(Bucket bucket, Moments moments) {
    this.bucket = bucket;
    this.moments = moments;
  }

  synchronized Fence raise(Fence proposed) {
    Fence standing = fence == null ? proposed : fence;
    fence = standing;
    return standing;
  }

  synchronized Optional<Fence> fence() {
    return Optional.ofNullable(fence);
  }

  synchronized boolean flip(Fence expected, Fence next) {
    boolean stands = expected.equals(fence);
    if (stands) {
      fence = next;
    }
    return stands;
  }

  /** Makes an index of all documents, if there is none. */
  synchronized NavigableMap<byte[], Row> index(List<IndexField> fields) {
    return indexes.computeIfAbsent(
        fields,
        absent -> {
          NavigableMap<byte[], Row> index = new TreeMap<>(Arrays::compareUnsigned);
          rows.values().forEach(row -> add(index, fields, row));
          return index;
        });
  }

  synchronized @Nullable Row get(String id) {
    checkReadable();
    return rows.get(id);
  }

  synchronized void write(Home home, String id, @Nullable Row row) {
    checkAdmitted(home);
    write(id, row, moments.next());
  }

  private void write(String id, @Nullable Row row, long now) {
    Row before = row == null ? rows.remove(id) : rows.put(id, row);
    indexes.forEach(
        (fields, index) -> {
          remove(index, fields, before);
          add(index, fields, row);
        });
    keep(before, row, now);
  }

  /** Writes if the very row is still there, not one that equals it: no one wrote in between. */
  @SuppressWarnings("ReferenceEquality")
  synchronized boolean replace(Home home, String id, Row before, Row after) {
    checkAdmitted(home);
    if (rows.get(id) != before) {
      return false;
    }
    write(home, id, after);
    return true;
  }

  /**
   * Moves a row to a bucket, as of one moment, if the very row is still here. Both buckets are
   * locked, in the order of their names.
   */
  boolean move(Home home, Row before, LocalBucket to, Home there, Row after) {
    boolean first = bucket.toString().compareTo(to.bucket.toString()) <= 0;
    synchronized (first ? this : to) {
      synchronized (first ? to : this) {
        return moved(home, before, to, there, after);
      }
    }
  }

  @SuppressWarnings("ReferenceEquality")
  private boolean moved(Home home, Row before, LocalBucket to, Home there, Row after) {
    checkAdmitted(home);
    to.checkAdmitted(there);
    if (rows.get(before.id()) != before) {
      return false;
    }
    if (to.rows.containsKey(after.id())) {
      throw BucketStore.occupied(to.bucket, after.id());
    }
    long now = moments.next();
    write(before.id(), null, now);
    to.write(after.id(), after, now);
    return true;
  }

  /** Returns the bytes that some rows take, and as many again for the others in proportion. */
  synchronized BucketStore.Size size(int sample) {
    long bytes = 0;
    long seen = 0;
    Iterator<Row> all = rows.values().iterator();
    while (seen < sample && all.hasNext()) {
      Row row = all.next();
      bytes += row.id().length() + DocumentCodec.encode(row.fields()).length;
      seen++;
    }
    return new BucketStore.Size(seen == 0 ? 0 : bytes * rows.size() / seen, seen);
  }

  synchronized List<Row> query(
      List<IndexField> fields, LexRange range, boolean reversed, int limit, long at) {
    checkReadable();
    NavigableMap<byte[], Row> part = part(indexAsOf(fields, at), range);
    return (reversed ? part.descendingMap() : part).values().stream().limit(limit).toList();
  }

  synchronized long count(List<IndexField> fields, LexRange range) {
    checkReadable();
    return part(indexAsOf(fields, Long.MAX_VALUE), range).size();
  }

  private void checkAdmitted(Home home) {
    if (fence == null || !fence.admits(home.epoch())) {
      throw new FencedException(bucket, fence());
    }
  }

  private void checkReadable() {
    if (fence != null && fence.mode() == Fence.Mode.RETIRED) {
      throw new FencedException(bucket, fence());
    }
  }

  private NavigableMap<byte[], Row> indexAsOf(List<IndexField> fields, long at) {
    NavigableMap<byte[], Row> index = index(fields);
    Iterator<Change> latestFirst = changes.descendingIterator();
    NavigableMap<byte[], Row> then = null;
    while (latestFirst.hasNext()) {
      Change change = latestFirst.next();
      if (change.at() <= at) {
        break;
      }
      then = then == null ? new TreeMap<>(index) : then;
      remove(then, fields, change.after());
      add(then, fields, change.before());
    }
    return then == null ? index : then;
  }

  private void keep(@Nullable Row before, @Nullable Row after, long now) {
    if (moments.isKept(now)) {
      changes.addLast(new Change(now, before, after));
    }
    long oldest = moments.oldest(now);
    while (!changes.isEmpty() && changes.getFirst().at() < oldest) {
      changes.removeFirst();
    }
  }

  private static NavigableMap<byte[], Row> part(NavigableMap<byte[], Row> index, LexRange range) {
    if (range.isEmpty()) {
      return Collections.emptyNavigableMap();
    }
    NavigableMap<byte[], Row> part = index.tailMap(range.min(), true);
    byte[] max = range.max();
    return max == null ? part : part.headMap(max, false);
  }

  private static void add(
      NavigableMap<byte[], Row> index, List<IndexField> fields, @Nullable Row row) {
    if (row != null) {
      Plan.members(fields, row).forEach(member -> index.put(member, row));
    }
  }

  private static void remove(
      NavigableMap<byte[], Row> index, List<IndexField> fields, @Nullable Row row) {
    if (row != null) {
      Plan.members(fields, row).forEach(index::remove);
    }
  }
}
