package dev.escalera.ratelimit.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.internal.Keys;
import io.github.bucket4j.BucketExceptions;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.AbstractProxyManagerBuilder;
import io.github.bucket4j.distributed.proxy.generic.compare_and_swap.AbstractCompareAndSwapBasedProxyManager;
import io.github.bucket4j.distributed.proxy.generic.compare_and_swap.AsyncCompareAndSwapOperation;
import io.github.bucket4j.distributed.proxy.generic.compare_and_swap.CompareAndSwapOperation;
import io.github.bucket4j.distributed.remote.RemoteBucketState;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Keeps buckets of Bucket4j in Firestore, for hosts that use Bucket4j already: one document a
 * bucket, changed by compare-and-set on its update time.
 *
 * <p>Firestore sustains about one write a second to a document, and Bucket4j writes at each
 * decision: for more, take {@link FirestoreRateLimiter}, which leases tokens. A bucket that expires
 * by {@link Builder#expirationAfterWrite} counts as none from then on, whether or not a TTL policy
 * on the field {@code expireAt} has deleted its document.
 *
 * <p>Calls throw Bucket4j's own {@link io.github.bucket4j.TimeoutException} when the request
 * timeout of the builder is over, else {@link RateLimitException} if Firestore does not answer.
 * Safe for use by any number of threads.
 *
 * @param <K> what buckets go by
 */
public final class FirestoreProxyManager<K> extends AbstractCompareAndSwapBasedProxyManager<K> {
  private static final int MAX_IN_FLIGHT = 1_000;
  private static final int MAX_KEY_BYTES = 1_024;
  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final long MAX_PAUSE_MILLIS = 64;

  private static final String STATE = "state";
  private static final String EXPIRE_AT = "expireAt";

  private final FirestoreLink link;
  private final CollectionReference collection;
  private final Function<? super K, String> text;
  private final @Nullable ExpirationAfterWriteStrategy expiration;

  private FirestoreProxyManager(Builder<K> builder) {
    super(builder.getClientSideConfig());
    this.link = new FirestoreLink("FirestoreProxyManager", DEADLINE, MAX_IN_FLIGHT);
    this.collection = builder.firestore.collection(builder.collection);
    this.text = builder.text;
    this.expiration = builder.getExpirationAfterWrite().orElse(null);
  }

  /**
   * Starts a proxy manager whose keys are strings.
   *
   * @param firestore the host's client; the proxy manager never closes it
   * @return a builder
   */
  public static Builder<String> builder(Firestore firestore) {
    return new Builder<>(firestore, Function.identity());
  }

  /**
   * Starts a proxy manager.
   *
   * @param <K> what buckets go by
   * @param firestore the host's client; the proxy manager never closes it
   * @param text tells a key as text of 1 to 1,024 bytes in UTF-8, different ones differently
   * @return a builder
   */
  public static <K> Builder<K> builder(Firestore firestore, Function<? super K, String> text) {
    return new Builder<>(firestore, text);
  }

  /**
   * Builds a {@link FirestoreProxyManager}. Not safe for use by several threads.
   *
   * @param <K> what buckets go by
   */
  public static final class Builder<K>
      extends AbstractProxyManagerBuilder<K, FirestoreProxyManager<K>, Builder<K>> {
    private final Firestore firestore;
    private final Function<? super K, String> text;
    private String collection = "escalera_bucket4j";

    private Builder(Firestore firestore, Function<? super K, String> text) {
      this.firestore = Objects.requireNonNull(firestore, "firestore");
      this.text = Objects.requireNonNull(text, "text");
    }

    /**
     * Sets the collection that the documents are in; {@code escalera_bucket4j} by default.
     *
     * @param collection the name of a collection at the root
     * @return this builder
     * @throws IllegalArgumentException if it is empty or a path
     */
    public Builder<K> collection(String collection) {
      if (collection.isEmpty() || collection.indexOf('/') >= 0) {
        throw new IllegalArgumentException(
            "collection is \"" + collection + "\", expected the name of one at the root");
      }
      this.collection = collection;
      return this;
    }

    @Override
    public boolean isExpireAfterWriteSupported() {
      return true;
    }

    /**
     * Builds the proxy manager; Firestore is not called before the first bucket is used.
     *
     * @return a proxy manager
     */
    @Override
    public FirestoreProxyManager<K> build() {
      return new FirestoreProxyManager<>(this);
    }
  }

  @Override
  public boolean isAsyncModeSupported() {
    return true;
  }

  @Override
  public boolean isExpireAfterWriteSupported() {
    return true;
  }

  @Override
  public void removeProxy(K key) {
    DocumentReference document = document(key);
    await(bounded(link.call(document::delete), Optional.empty(), document));
  }

  @Override
  protected CompletableFuture<Void> removeAsync(K key) {
    DocumentReference document = document(key);
    return bounded(link.call(document::delete), Optional.empty(), document).thenApply(done -> null);
  }

  @Override
  protected CompareAndSwapOperation beginCompareAndSwapOperation(K key) {
    Operation operation = new Operation(document(key));
    return new CompareAndSwapOperation() {
      @Override
      public Optional<byte[]> getStateData(Optional<Long> timeoutNanos) {
        return await(operation.read(timeoutNanos));
      }

      @Override
      public boolean compareAndSwap(
          byte[] original, byte[] changed, RemoteBucketState state, Optional<Long> timeoutNanos) {
        return await(operation.write(changed, state, timeoutNanos));
      }
    };
  }

  @Override
  protected AsyncCompareAndSwapOperation beginAsyncCompareAndSwapOperation(K key) {
    Operation operation = new Operation(document(key));
    return new AsyncCompareAndSwapOperation() {
      @Override
      public CompletableFuture<Optional<byte[]>> getStateData(Optional<Long> timeoutNanos) {
        return operation.read(timeoutNanos);
      }

      @Override
      public CompletableFuture<Boolean> compareAndSwap(
          byte[] original, byte[] changed, RemoteBucketState state, Optional<Long> timeoutNanos) {
        return operation.write(changed, state, timeoutNanos);
      }
    };
  }

  private DocumentReference document(K key) {
    String name = Objects.requireNonNull(text.apply(key), "the text of a key");
    int bytes = Keys.utf8Length(name);
    if (bytes == 0 || bytes > MAX_KEY_BYTES) {
      throw new IllegalArgumentException(
          "the key has " + bytes + " bytes in UTF-8, expected 1 to " + MAX_KEY_BYTES);
    }
    return collection.document(FirestoreBuckets.id(Keys.escape(name)));
  }

  /** One request of Bucket4j: reads and writes in turn until no one was first. */
  private final class Operation {
    private final DocumentReference document;
    private int lost;

    /** Of the document as it was read last, null if there was none. */
    private volatile @Nullable Timestamp version;

    Operation(DocumentReference document) {
      this.document = document;
    }

    CompletableFuture<Optional<byte[]>> read(Optional<Long> timeoutNanos) {
      return bounded(link.call(document::get), timeoutNanos, document).thenApply(this::state);
    }

    private Optional<byte[]> state(DocumentSnapshot read) {
      version = read.getUpdateTime();
      Timestamp now = read.getReadTime();
      Timestamp end = read.getTimestamp(EXPIRE_AT);
      Blob state = read.getBlob(STATE);
      boolean over = end != null && now != null && end.compareTo(now) <= 0;
      return state == null || over ? Optional.empty() : Optional.of(state.toBytes());
    }

    CompletableFuture<Boolean> write(
        byte[] changed, RemoteBucketState state, Optional<Long> timeoutNanos) {
      Map<String, Object> fields = new HashMap<>();
      fields.put(STATE, Blob.fromBytes(changed));
      // Bucket4j's own clock, by which it counts the time to live.
      long now = currentTimeNanos();
      long millis = expiration == null ? -1 : expiration.calculateTimeToLiveMillis(state, now);
      fields.put(
          EXPIRE_AT,
          millis <= 0
              ? null
              : Timestamp.ofTimeMicroseconds(TimeUnit.NANOSECONDS.toMicros(now) + millis * 1_000));
      Timestamp read = version;
      var commit =
          read == null
              ? link.call(() -> document.create(fields))
              : link.call(() -> document.update(fields, Precondition.updatedAt(read)));
      CompletableFuture<Boolean> written =
          commit
              .thenApply(result -> true)
              .exceptionallyCompose(
                  failure ->
                      FirestoreBuckets.isLostRace(failure)
                          ? CompletableFuture.completedFuture(false)
                          : CompletableFuture.failedFuture(failure));
      return bounded(written, timeoutNanos, document).thenCompose(this::paused);
    }

    /** Those who lost a race come again at random times. */
    private CompletableFuture<Boolean> paused(boolean written) {
      if (written) {
        return CompletableFuture.completedFuture(true);
      }
      long most = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(++lost, 6));
      long pause = ThreadLocalRandom.current().nextLong(most + 1);
      return CompletableFuture.supplyAsync(
          () -> false, CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS));
    }
  }

  /** Ends a call by the time that Bucket4j gives it, and tells failures in words of our own. */
  private static <T> CompletableFuture<T> bounded(
      CompletableFuture<T> call, Optional<Long> timeoutNanos, DocumentReference document) {
    long begun = System.nanoTime();
    timeoutNanos.ifPresent(nanos -> call.orTimeout(nanos, TimeUnit.NANOSECONDS));
    return call.exceptionallyCompose(
        failure -> {
          Throwable cause = FirestoreLink.unwrap(failure);
          long waited = System.nanoTime() - begun;
          return CompletableFuture.failedFuture(
              cause instanceof TimeoutException
                      && timeoutNanos.isPresent()
                      && waited >= timeoutNanos.get()
                  ? BucketExceptions.timeoutReached(waited, timeoutNanos.get())
                  : new RateLimitException("failed at " + document.getPath(), cause));
        });
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new RateLimitException("interrupted while waiting for Firestore", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : FirestoreLink.unwrap(e.getCause());
      if (cause instanceof RuntimeException failure) {
        throw failure;
      }
      throw new RateLimitException("failed at a bucket", cause);
    }
  }
}
