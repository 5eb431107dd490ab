package dev.escalera.sharding.internal;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.ShardingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Documents that are put in bulk: where each belongs, and which of them are really sent. */
final class BulkPut {
  private record Target(Bucket bucket, String id) {}

  private final List<Document> documents;
  private final List<Optional<IllegalArgumentException>> refusals = new ArrayList<>();
  private final List<BucketStore.Placed> placed = new ArrayList<>();

  /**
   * By document, its place among the sent ones; for one that a later one replaces, the place of
   * that.
   */
  private final Map<Integer, Integer> sentAs = new HashMap<>();

  BulkPut(Routing routing, List<Document> documents) {
    this.documents = List.copyOf(documents);
    Map<Target, Integer> last = new HashMap<>();
    for (int i = 0; i < this.documents.size(); i++) {
      place(routing, i, last);
    }
  }

  List<BucketStore.Placed> placed() {
    return placed;
  }

  Set<Bucket> buckets() {
    return placed.stream().map(BucketStore.Placed::bucket).collect(Collectors.toSet());
  }

  List<DocumentResult> results(
      @Nullable List<Optional<Throwable>> failures, @Nullable Throwable failure) {
    List<DocumentResult> results = new ArrayList<>(documents.size());
    for (int i = 0; i < documents.size(); i++) {
      String id = documents.get(i).id();
      Optional<RuntimeException> problem = refusals.get(i).map(refusal -> refusal);
      if (problem.isEmpty()) {
        Optional<Throwable> cause =
            failures == null
                ? Optional.of(
                    failure == null
                        ? new IllegalStateException("no answer")
                        : Router.unwrap(failure))
                : failures.get(sentAs.getOrDefault(i, 0));
        problem = cause.map(why -> new ShardingException("cannot put " + Names.escape(id), why));
      }
      results.add(new DocumentResult(id, problem));
    }
    return results;
  }

  private void place(Routing routing, int i, Map<Target, Integer> last) {
    Document document = documents.get(i);
    try {
      Bucket bucket = routing.bucket(document);
      refusals.add(Optional.empty());
      Integer before = last.get(new Target(bucket, document.id()));
      if (before == null) {
        last.put(new Target(bucket, document.id()), placed.size());
        sentAs.put(i, placed.size());
        placed.add(new BucketStore.Placed(bucket, document));
      } else {
        sentAs.put(i, before);
        placed.set(before, new BucketStore.Placed(bucket, document));
      }
    } catch (IllegalArgumentException e) {
      refusals.add(Optional.of(e));
    }
  }
}
