package dev.escalera.sharding.internal;

import dev.escalera.sharding.Direction;
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
  /** A row, where it is from, and its place in the order of the query. */
  static final class Placed {
    private final Row row;
    private final Bucket bucket;
    private final byte[] place;

    Placed(Row row, Bucket bucket, byte[] place) {
      this.row = row;
      this.bucket = bucket;
      this.place = place;
    }

    Row row() {
      return row;
    }

    Bucket bucket() {
      return bucket;
    }
  }

  private final Asking asking;
  private final Spending spending;
  private final Selection selection;
  private final List<Source> sources = new ArrayList<>();
  private final PriorityQueue<Source> heads =
      new PriorityQueue<>(
          (a, b) -> Arrays.compareUnsigned(a.rows.getFirst().place, b.rows.getFirst().place));
  private final List<Placed> merged = new ArrayList<>();

  /** Asks the bucket of a source for its first rows behind a place. */
  interface Asking {
    CompletableFuture<List<Row>> ask(Paging.Source source, Optional<After> after, int limit);

    /** Returns how many sources are well asked at a time. */
    int atOnce();
  }

  /** One bucket, and what of its answers is not merged yet. */
  private static final class Source {
    final Paging.Source asked;
    final Deque<Placed> rows = new ArrayDeque<>();
    Optional<After> after;
    int limit;
    boolean ended;

    Source(Paging.Source asked, Optional<After> after) {
      this.asked = asked;
      this.after = after;
    }
  }

  Merge(Selection selection, Asking asking, Spending spending) {
    this.selection = selection;
    this.asking = asking;
    this.spending = spending;
  }

  void add(Paging.Source source, Optional<After> after) {
    sources.add(new Source(source, after));
  }

  List<Placed> merged() {
    return merged;
  }

  /**
   * Merges until there are {@code wanted} rows or no more, asking each bucket for {@code share} at
   * first.
   */
  CompletableFuture<Void> run(int wanted, int share) {
    int affordable = spending.affordable(share, sources.size());
    sources.forEach(source -> source.limit = affordable);
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
        least.limit = spending.affordable(Math.min(missing, 2 * least.limit), 1);
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
    spending.beginRound(empty.stream().mapToLong(source -> source.limit).sum());
    return Bounded.all(
            empty, asking::atOnce, source -> asking.ask(source.asked, source.after, source.limit))
        .thenAccept(
            answers -> {
              for (int i = 0; i < empty.size(); i++) {
                take(empty.get(i), answers.get(i));
              }
            });
  }

  private void take(Source source, List<Row> answer) {
    spending.addAnswer(answer.size());
    source.ended = answer.size() < source.limit;
    for (Row row : answer) {
      source.rows.add(new Placed(row, source.asked.bucket(), place(row, source.asked.bucket())));
    }
    if (!answer.isEmpty()) {
      Row last = answer.get(answer.size() - 1);
      source.after = selection.after(source.asked.plan(), selection.values(last), last.id(), false);
      heads.add(source);
    }
  }

  private byte[] place(Row row, Bucket bucket) {
    OrderKey key = new OrderKey();
    for (Order order : selection.orders()) {
      key.add(row.fields().get(order.field()), order.direction());
    }
    Direction ties = selection.idDirection();
    return key.addName(row.id(), ties).addName(bucket.partition(), ties).toBytes();
  }
}
