package dev.escalera.sharding.internal;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Order;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;

/**
 * A merge of the answers of many buckets, each in order, into one; asks a bucket for more only when
 * it must.
 */
final class Merge {
  /** A document, where it is from, and its place in the order of the query. */
  static final class Row {
    private final Document document;
    private final Bucket bucket;
    private final byte[] place;

    Row(Document document, Bucket bucket, byte[] place) {
      this.document = document;
      this.bucket = bucket;
      this.place = place;
    }

    Document document() {
      return document;
    }

    Bucket bucket() {
      return bucket;
    }
  }

  private final BucketStore store;
  private final Plan plan;
  private final List<Source> sources = new ArrayList<>();
  private final PriorityQueue<Source> heads =
      new PriorityQueue<>(
          (a, b) -> Arrays.compareUnsigned(a.rows.getFirst().place, b.rows.getFirst().place));
  private final List<Row> merged = new ArrayList<>();
  private int reads;
  private int rounds;

  /** One bucket, and what of its answers is not merged yet. */
  private static final class Source {
    final Bucket bucket;
    final Deque<Row> rows = new ArrayDeque<>();
    Optional<After> after;
    int limit;
    boolean ended;

    Source(Bucket bucket, Optional<After> after) {
      this.bucket = bucket;
      this.after = after;
    }
  }

  Merge(BucketStore store, Plan plan) {
    this.store = store;
    this.plan = plan;
  }

  void add(Bucket bucket, Optional<After> after) {
    sources.add(new Source(bucket, after));
  }

  List<Row> merged() {
    return merged;
  }

  int reads() {
    return reads;
  }

  int rounds() {
    return rounds;
  }

  /**
   * Merges until there are {@code wanted} rows or no more, asking each bucket for {@code share} at
   * first.
   */
  CompletableFuture<Void> run(int wanted, int share) {
    sources.forEach(source -> source.limit = share);
    return fill(sources).thenCompose(filled -> go(wanted));
  }

  private CompletableFuture<Void> go(int wanted) {
    while (merged.size() < wanted) {
      Source least = heads.poll();
      if (least == null) {
        break;
      }
      merged.add(least.rows.removeFirst());
      int missing = wanted - merged.size();
      if (!least.rows.isEmpty()) {
        heads.add(least);
      } else if (!least.ended && missing > 0) {
        // Who had much is likely to have more: twice as much each time, so that a bucket that holds
        // nearly all is not asked for its small share again and again.
        least.limit = Math.min(missing, 2 * least.limit);
        CompletableFuture<Void> filled = fill(List.of(least));
        // A store that answers at once does not make the stack grow.
        if (!filled.isDone() || filled.isCompletedExceptionally()) {
          return filled.thenCompose(done -> go(wanted));
        }
      }
    }
    return CompletableFuture.completedFuture(null);
  }

  private CompletableFuture<Void> fill(List<Source> empty) {
    rounds++;
    return Bounded.all(
            empty, source -> store.query(source.bucket, plan, source.after, source.limit))
        .thenAccept(
            answers -> {
              for (int i = 0; i < empty.size(); i++) {
                take(empty.get(i), answers.get(i));
              }
            });
  }

  private void take(Source source, List<Document> answer) {
    reads += Math.max(1, answer.size());
    source.ended = answer.size() < source.limit;
    for (Document document : answer) {
      source.rows.add(new Row(document, source.bucket, place(document, source.bucket)));
    }
    if (!answer.isEmpty()) {
      Document last = answer.get(answer.size() - 1);
      source.after = Optional.of(new After(plan.values(last), last.id(), false));
      heads.add(source);
    }
  }

  private byte[] place(Document document, Bucket bucket) {
    OrderKey key = new OrderKey();
    for (Order order : plan.orders()) {
      key.add(document.fields().get(order.field()), order.direction());
    }
    Direction ties = plan.idDirection();
    return key.addName(document.id(), ties).addName(bucket.partition(), ties).toBytes();
  }
}
