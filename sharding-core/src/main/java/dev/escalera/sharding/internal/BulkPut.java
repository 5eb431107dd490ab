package dev.escalera.sharding.internal;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Documents that are put in bulk: where each belongs, which of them are sent, what became of each.
 */
final class BulkPut {
  private final ShardedCollection collection;
  private final List<Document> documents;
  private final List<Optional<IllegalArgumentException>> refusals = new ArrayList<>();

  /** What is sent: of several documents of one bucket and id, the last. */
  private final List<Sent> sent = new ArrayList<>();

  /** By document, its place among the sent ones, or of the one that replaces it. */
  private final Map<Integer, Integer> sentAs = new HashMap<>();

  private final @Nullable Throwable[] failures;

  private record Sent(Bucket bucket, Row row) {}

  private record Target(Bucket bucket, String id) {}

  BulkPut(ShardedCollection collection, Routing routing, List<Document> documents) {
    this.collection = collection;
    this.documents = List.copyOf(documents);
    Map<Target, Integer> last = new HashMap<>();
    for (int i = 0; i < this.documents.size(); i++) {
      place(routing, i, last);
    }
    this.failures = new Throwable[sent.size()];
  }

  /** Sends them; completes with a result a document. */
  CompletableFuture<List<DocumentResult>> run(Catalog catalog, Targets targets, Fencing fencing) {
    List<Integer> all = IntStream.range(0, sent.size()).boxed().toList();
    return send(catalog, targets, fencing.new Attempts(), all).thenApply(done -> results());
  }

  private CompletableFuture<Void> send(
      Catalog catalog, Targets targets, Fencing.Attempts attempts, List<Integer> places) {
    if (places.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    Set<Bucket> buckets =
        places.stream().map(place -> sent.get(place).bucket()).collect(Collectors.toSet());
    return catalog
        .ensure(buckets)
        .thenCompose(entries -> sendAs(entries, targets, places))
        .handle((done, failure) -> failure)
        .thenCompose(
            failure -> {
              if (failure != null) {
                places.forEach(place -> failures[place] = Router.unwrap(failure));
              }
              return again(catalog, targets, attempts, places);
            });
  }

  private CompletableFuture<Void> sendAs(
      Map<Bucket, Entry> entries, Targets targets, List<Integer> places) {
    Map<String, List<Integer>> byOwner = new LinkedHashMap<>();
    Map<Bucket, BucketStore.Home> homes = new HashMap<>();
    for (int place : places) {
      Entry entry = entries.get(sent.get(place).bucket());
      if (entry == null) {
        throw new IllegalStateException("no entry of " + sent.get(place).bucket());
      }
      homes.put(entry.bucket(), new BucketStore.Home(entry.bucket(), entry.epoch()));
      byOwner.computeIfAbsent(entry.owner(), owner -> new ArrayList<>()).add(place);
    }
    List<CompletableFuture<Void>> parts = new ArrayList<>();
    byOwner.forEach(
        (owner, part) ->
            parts.add(
                targets
                    .store(owner)
                    .putAll(collection, part.stream().map(place -> placed(homes, place)).toList())
                    .handle(
                        (answers, failure) -> {
                          for (int i = 0; i < part.size(); i++) {
                            failures[part.get(i)] =
                                failure == null
                                    ? answers.get(i).map(Router::unwrap).orElse(null)
                                    : Router.unwrap(failure);
                          }
                          return null;
                        })));
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new));
  }

  private BucketStore.Placed placed(Map<Bucket, BucketStore.Home> homes, int place) {
    Sent each = sent.get(place);
    BucketStore.Home home = homes.get(each.bucket());
    if (home == null) {
      throw new IllegalStateException("no home of " + each.bucket());
    }
    return new BucketStore.Placed(home, each.row());
  }

  /** Sends again what fences refused, once they admit it; gives up what they do not. */
  private CompletableFuture<Void> again(
      Catalog catalog, Targets targets, Fencing.Attempts attempts, List<Integer> places) {
    Map<Bucket, FencedException> refused = new LinkedHashMap<>();
    List<Integer> rest = new ArrayList<>();
    for (int place : places) {
      if (failures[place] instanceof FencedException refusal) {
        refused.put(sent.get(place).bucket(), refusal);
        rest.add(place);
      }
    }
    if (rest.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return Bounded.all(
            List.copyOf(refused.values()),
            refusal -> attempts.admit(refusal).handle((done, failure) -> failure))
        .thenCompose(
            answers -> {
              Map<Bucket, Throwable> hopeless = new HashMap<>();
              List<Bucket> buckets = List.copyOf(refused.keySet());
              for (int i = 0; i < answers.size(); i++) {
                if (answers.get(i) != null) {
                  hopeless.put(buckets.get(i), Router.unwrap(answers.get(i)));
                }
              }
              List<Integer> hopeful = new ArrayList<>();
              for (int place : rest) {
                Throwable why = hopeless.get(sent.get(place).bucket());
                failures[place] = why;
                if (why == null) {
                  hopeful.add(place);
                }
              }
              return send(catalog, targets, attempts, hopeful);
            });
  }

  private List<DocumentResult> results() {
    List<DocumentResult> results = new ArrayList<>(documents.size());
    for (int i = 0; i < documents.size(); i++) {
      String id = documents.get(i).id();
      Optional<RuntimeException> problem = refusals.get(i).map(refusal -> refusal);
      Integer place = sentAs.get(i);
      if (place != null) {
        problem =
            Optional.ofNullable(failures[place])
                .map(why -> new ShardingException("cannot put " + Names.escape(id), why));
      }
      results.add(new DocumentResult(id, problem));
    }
    return results;
  }

  private void place(Routing routing, int i, Map<Target, Integer> last) {
    Document document = documents.get(i);
    try {
      Bucket bucket = routing.bucket(document);
      Row row = routing.row(document);
      refusals.add(Optional.empty());
      Integer before = last.putIfAbsent(new Target(bucket, row.id()), sent.size());
      if (before == null) {
        sentAs.put(i, sent.size());
        sent.add(new Sent(bucket, row));
      } else {
        sentAs.put(i, before);
        sent.set(before, new Sent(bucket, row));
      }
    } catch (IllegalArgumentException e) {
      refusals.add(Optional.of(e));
    }
  }
}
