package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore.Home;
import io.grpc.Status;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A commit of writes without preconditions of their own, together with the fences of their buckets.
 * It is tried again as long as nothing was written: for a lost lock, or for a fence that changed
 * but still admits the writer.
 */
final class FencedCommit {
  private static final int MAX_ATTEMPTS = 50;
  private static final long MAX_PAUSE_MILLIS = 64;
  private static final Set<Status.Code> NOT_WRITTEN =
      Set.of(Status.Code.ABORTED, Status.Code.FAILED_PRECONDITION, Status.Code.NOT_FOUND);

  private final Paths paths;
  private final FirestoreLink link;
  private final Fences fences;
  private final List<Home> homes;
  private final Consumer<WriteBatch> writes;

  FencedCommit(
      Paths paths,
      FirestoreLink link,
      Fences fences,
      List<Home> homes,
      Consumer<WriteBatch> writes) {
    this.paths = paths;
    this.link = link;
    this.fences = fences;
    this.homes = homes.stream().distinct().toList();
    this.writes = writes;
  }

  CompletableFuture<Void> run() {
    return attempt(1, false);
  }

  private CompletableFuture<Void> attempt(int number, boolean reread) {
    return (reread ? fences.fresh(homes) : fences.admitting(homes))
        .thenCompose(
            standing -> {
              WriteBatch batch = paths.firestore().batch();
              standing.forEach(each -> each.guard(batch));
              writes.accept(batch);
              return link.call(batch::commit);
            })
        .<Void>thenApply(written -> null)
        .exceptionallyCompose(
            failure -> {
              Status.Code status = FirestoreLink.status(failure);
              if (!NOT_WRITTEN.contains(status)) {
                return CompletableFuture.failedFuture(failure);
              }
              if (number == MAX_ATTEMPTS) {
                return CompletableFuture.failedFuture(
                    new ShardingException(
                        "lost " + number + " races to write to " + names(), failure));
              }
              boolean contended = status == Status.Code.ABORTED;
              return (contended ? pause(number) : CompletableFuture.<Void>completedFuture(null))
                  .thenCompose(paused -> attempt(number + 1, !contended));
            });
  }

  static CompletableFuture<Void> pause(int attempt) {
    long most = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(attempt, 6));
    long pause = ThreadLocalRandom.current().nextLong(most + 1);
    return CompletableFuture.runAsync(
        () -> {}, CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS));
  }

  private String names() {
    return homes.stream().map(Home::bucket).map(Bucket::toString).collect(Collectors.joining(", "));
  }
}
