package dev.escalera.sharding.internal;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.ShardQuery;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * One page of a query. Buckets whose documents may mix are merged; partitions that come one after
 * another in the order are asked one after another, until the page is full.
 */
final class Paging {
  /** How many buckets one page may ask at once. */
  static final int MAX_BUCKETS = 4_096;

  /** How many partitions are asked at once when the first ones have too little. */
  private static final int MAX_WAVE = 64;

  /** And how many buckets, if one partition does not have more. */
  private static final int MAX_WAVE_BUCKETS = 512;

  private final Routing routing;
  private final Selection selection;
  private final ShardQuery query;
  private final Optional<Cursor> cursor;
  private final Merge.Asking asking;
  private final Spending spending;

  private final List<Merge.Placed> rows = new ArrayList<>();

  /** A bucket, who has it, and what it is asked for. */
  record Source(Bucket bucket, String owner, Plan plan) {}

  Paging(
      Routing routing,
      Selection selection,
      ShardQuery query,
      Optional<Cursor> cursor,
      Merge.Asking asking) {
    this.routing = routing;
    this.selection = selection;
    this.query = query;
    this.cursor = cursor;
    this.asking = asking;
    this.spending = new Spending(query.maxReads());
  }

  /** What a page says of itself, when it is signed. */
  record Read(
      List<Document> documents,
      Optional<Merge.Placed> first,
      Optional<Merge.Placed> last,
      boolean more,
      Page.Cost cost) {}

  CompletableFuture<Read> run(List<Source> sources) {
    List<List<Source>> groups = groups(sources);
    int asked = groups.stream().mapToInt(List::size).max().orElse(0);
    if (asked > MAX_BUCKETS) {
      throw new IllegalArgumentException(
          "the query would ask "
              + asked
              + " buckets at once, expected at most "
              + MAX_BUCKETS
              + "; add a condition on the field that partitions go by");
    }
    // One more than the page, to know whether there is a next one.
    return waves(query.limit() + 1, groups, 0, 1).thenApply(done -> read());
  }

  /** Groups come one after another in the order of the query. */
  private List<List<Source>> groups(List<Source> sources) {
    boolean disjoint =
        routing.isOrdered()
            && !selection.orders().isEmpty()
            && routing.field().filter(selection.orders().get(0).field()::equals).isPresent();
    if (!disjoint) {
      return sources.isEmpty() ? List.of() : List.of(sources);
    }
    boolean ascending = selection.orders().get(0).direction() == Direction.ASCENDING;
    TreeMap<String, List<Source>> byPartition = new TreeMap<>();
    sources.forEach(
        source ->
            byPartition
                .computeIfAbsent(source.bucket().partition(), partition -> new ArrayList<>())
                .add(source));
    // The pages before have passed the partitions before that of the cursor.
    cursor.ifPresent(
        last ->
            byPartition
                .keySet()
                .removeIf(
                    partition ->
                        ascending
                            ? partition.compareTo(last.partition()) < 0
                            : partition.compareTo(last.partition()) > 0));
    return List.copyOf((ascending ? byPartition : byPartition.descendingMap()).values());
  }

  /** Asks some groups at once, twice as many each time, until there are enough rows. */
  private CompletableFuture<Void> waves(
      int wanted, List<List<Source>> groups, int from, int width) {
    int missing = wanted - rows.size();
    if (missing <= 0 || from >= groups.size()) {
      return CompletableFuture.completedFuture(null);
    }
    List<List<Source>> wave = wave(groups, from, width);
    Merge merge = new Merge(selection, asking, spending);
    wave.forEach(group -> group.forEach(source -> add(merge, source)));
    int largest = wave.stream().mapToInt(List::size).max().orElse(1);
    return merge
        .run(missing, share(missing, largest))
        .thenCompose(
            done -> {
              rows.addAll(merge.merged());
              int wider = Math.min(MAX_WAVE, 2 * width);
              return waves(wanted, groups, from + wave.size(), wider);
            });
  }

  private void add(Merge merge, Source source) {
    if (cursor.isEmpty()) {
      spending.addBucket();
      merge.add(source, Optional.empty());
      return;
    }
    Cursor last = cursor.get();
    // Of documents alike in order and id, those of partitions further on are still to come.
    // Partition names are ASCII, so that the order of characters is that of bytes.
    int order = source.bucket().partition().compareTo(last.partition());
    boolean further = selection.idDirection() == Direction.ASCENDING ? order > 0 : order < 0;
    Optional<After> after = selection.after(source.plan(), last.values(), last.id(), further);
    if (after.isPresent()) {
      spending.addBucket();
      merge.add(source, after);
    }
  }

  private static List<List<Source>> wave(List<List<Source>> groups, int from, int width) {
    int to = from + 1;
    int asked = groups.get(from).size();
    while (to < Math.min(groups.size(), from + width)
        && asked + groups.get(to).size() <= MAX_WAVE_BUCKETS) {
      asked += groups.get(to).size();
      to++;
    }
    return groups.subList(from, to);
  }

  /** An even share and twice its standard deviation: most buckets are asked once. */
  private static int share(int missing, int buckets) {
    double mean = (double) missing / buckets;
    return (int) Math.min(missing, Math.ceil(mean + 2 * Math.sqrt(mean * (1 - 1.0 / buckets))));
  }

  private Read read() {
    List<Merge.Placed> page = rows.subList(0, Math.min(query.limit(), rows.size()));
    List<Merge.Placed> inOrder = new ArrayList<>(page);
    if (cursor.filter(Cursor::backwards).isPresent()) {
      Collections.reverse(inOrder);
    }
    List<Document> documents =
        inOrder.stream().map(placed -> routing.document(placed.row())).toList();
    return new Read(
        documents,
        inOrder.stream().findFirst(),
        inOrder.isEmpty() ? Optional.empty() : Optional.of(inOrder.get(inOrder.size() - 1)),
        rows.size() > query.limit(),
        spending.cost());
  }

  /** Returns the page with its cursors. */
  Page signed(Read read, byte[] secret, Instant expires, Optional<Instant> at) {
    boolean backwards = cursor.filter(Cursor::backwards).isPresent();
    // Where a page came from, there were documents.
    boolean isNext = backwards ? read.last().isPresent() : read.more();
    boolean isPrevious = isReversible() && (backwards ? read.more() : cursor.isPresent());
    return new Page(
        read.documents(),
        read.last()
            .filter(last -> isNext)
            .map(last -> cursor(last, false, expires, at).sign(query, secret)),
        read.first()
            .filter(first -> isPrevious)
            .map(first -> cursor(first, true, expires, at).sign(query, secret)),
        read.cost());
  }

  /** Firestore has no index by id alone that it could read backwards. */
  private boolean isReversible() {
    return selection.plans().stream().noneMatch(plan -> plan.index().isEmpty());
  }

  private Cursor cursor(
      Merge.Placed placed, boolean backwards, Instant expires, Optional<Instant> at) {
    return new Cursor(
        selection.values(placed.row()),
        placed.row().id(),
        placed.bucket().partition(),
        backwards,
        expires,
        at);
  }
}
