package dev.escalera.ratelimit.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.internal.Keys;
import dev.escalera.ratelimit.internal.Outcome;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import dev.escalera.ratelimit.internal.TokenBucket;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** The buckets in Firestore: one document a bucket, changed by compare-and-set. */
final class FirestoreBuckets implements RemoteRateLimiter.Store {
  static final String COLLECTION = "escalera_ratelimit";

  private static final int MAX_IN_FLIGHT = 1_000;
  private static final int MAX_ID_LENGTH = 1_400;
  private static final long MAX_PAUSE_MILLIS = 64;

  /** Another writer was first. */
  private static final Set<Status.Code> LOST_RACE =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.ALREADY_EXISTS,
          Status.Code.NOT_FOUND);

  private final FirestoreLink link;
  private final CollectionReference collection;
  private final Duration deadline;
  private final Supplier<OptionalLong> clock;

  FirestoreBuckets(Firestore firestore, Duration deadline, Supplier<OptionalLong> clock) {
    this.link = new FirestoreLink("FirestoreRateLimiter", deadline, MAX_IN_FLIGHT);
    this.collection = firestore.collection(COLLECTION);
    this.deadline = deadline;
    this.clock = clock;
  }

  @Override
  public CompletableFuture<Outcome> acquire(Limit limit, String subject, long cost) {
    Attempt attempt =
        new Attempt(collection.document(id(limit.name(), subject)), limit, cost, System.nanoTime());
    CompletableFuture<Outcome> outcome = attempt.run(1);
    return outcome.orTimeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    link.close();
  }

  static String id(String limit, String subject) {
    String id = Keys.escape(limit) + ":" + Keys.escape(subject);
    if (id.length() <= MAX_ID_LENGTH) {
      // Names between double underscores are Firestore's own.
      return id.startsWith("_") ? "%5F" + id.substring(1) : id;
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
      return "%h" + HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** One decision, which may take several rounds. */
  private final class Attempt {
    private final DocumentReference document;
    private final Limit limit;
    private final long cost;
    private final long started;

    Attempt(DocumentReference document, Limit limit, long cost, long started) {
      this.document = document;
      this.limit = limit;
      this.cost = cost;
      this.started = started;
    }

    CompletableFuture<Outcome> run(int round) {
      return link.call(document::get)
          .thenCompose(
              snapshot -> {
                long now = clock.get().orElseGet(() -> micros(snapshot.getReadTime()));
                TokenBucket bucket =
                    snapshot.exists() ? Buckets.read(snapshot) : TokenBucket.full(limit, now);
                TokenBucket.Step step = bucket.acquire(limit, cost, now);
                return step.changed()
                    ? store(snapshot, step, round)
                    : CompletableFuture.completedFuture(step.outcome());
              });
    }

    private CompletableFuture<Outcome> store(
        DocumentSnapshot snapshot, TokenBucket.Step step, int round) {
      Map<String, Object> fields = Buckets.fields(step.bucket(), step.outcome().resetMicros());
      Timestamp version = snapshot.getUpdateTime();
      CompletableFuture<WriteResult> written =
          link.call(
              () ->
                  version == null
                      ? document.create(fields)
                      : document.update(fields, Precondition.updatedAt(version)));
      return written
          .thenApply(result -> step.outcome())
          .exceptionallyCompose(
              failure ->
                  LOST_RACE.contains(FirestoreLink.status(failure))
                      ? again(round)
                      : CompletableFuture.failedFuture(failure));
    }

    private CompletableFuture<Outcome> again(int round) {
      if (System.nanoTime() - started > deadline.toNanos()) {
        return CompletableFuture.failedFuture(
            new TimeoutException("lost " + round + " races in " + deadline));
      }
      long most = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(round, 6));
      long pause = ThreadLocalRandom.current().nextLong(most + 1);
      return CompletableFuture.supplyAsync(
              () -> round + 1, CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS))
          .thenCompose(this::run);
    }
  }

  private static long micros(Timestamp time) {
    return time.getSeconds() * 1_000_000 + time.getNanos() / 1_000;
  }
}
