package dev.escalera.cache.firestore;

import com.google.api.core.ApiFuture;
import com.google.api.core.ApiFutureCallback;
import com.google.api.core.ApiFutures;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.StatusCode;
import com.google.cloud.firestore.FirestoreException;
import dev.failsafe.CircuitBreaker;
import io.grpc.Status;
import java.io.Serial;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to the host's Firestore client: calls bounded in time and number and guarded by a circuit
 * breaker.
 *
 * <p>A call that fails with {@link NotSentException} did not reach Firestore; what a {@link
 * #status} other than UNKNOWN means was answered; any other failure, a deadline above all, leaves
 * its outcome unknown. Futures complete on the common pool or on the JDK's timer thread, never on
 * gRPC's. Safe for use by several threads.
 */
final class FirestoreLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FirestoreLink.class);

  private static final int FAILURES_TO_OPEN = 5;
  private static final Duration OPEN_FOR = Duration.ofSeconds(1);

  /** Answers that say something of the service rather than of the request. */
  private static final Set<Status.Code> FAULTS =
      Set.of(
          Status.Code.UNAVAILABLE,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.INTERNAL,
          Status.Code.UNKNOWN,
          Status.Code.UNAUTHENTICATED);

  /** Another writer was first. */
  private static final Set<Status.Code> LOST_RACE =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.ALREADY_EXISTS,
          Status.Code.NOT_FOUND);

  private final String name;
  private final Duration deadline;
  private final Semaphore permits;
  private final CircuitBreaker<Object> breaker;
  private volatile boolean closed;

  FirestoreLink(String name, Duration deadline, int maxInFlight) {
    this.name = name;
    this.deadline = deadline;
    this.permits = new Semaphore(maxInFlight);
    this.breaker =
        CircuitBreaker.builder()
            .withFailureThreshold(FAILURES_TO_OPEN)
            .withSuccessThreshold(1)
            .withDelay(OPEN_FOR)
            .onOpen(
                event -> {
                  // Not again for each attempt that fails meanwhile.
                  if (event.getPreviousState() == CircuitBreaker.State.CLOSED) {
                    log.warn("{}: Firestore does not answer, its circuit breaker is open", name);
                  }
                })
            .onClose(
                event ->
                    log.info("{}: Firestore answers again, its circuit breaker is closed", name))
            .build();
  }

  /**
   * Makes the call that {@code request} starts, or fails at once; completes within the deadline in
   * every case.
   */
  <T> CompletableFuture<T> call(Supplier<ApiFuture<T>> request) {
    if (closed) {
      return CompletableFuture.failedFuture(new IllegalStateException(name + " is closed"));
    }
    if (!permits.tryAcquire()) {
      return CompletableFuture.failedFuture(new NotSentException("too many calls in flight"));
    }
    if (!breaker.tryAcquirePermit()) {
      permits.release();
      return CompletableFuture.failedFuture(new NotSentException("the circuit breaker is open"));
    }
    CompletableFuture<T> result = new CompletableFuture<>();
    // Registered first: the breaker and the permit are settled before any caller goes on.
    CompletableFuture<T> settled = result.whenComplete((value, failure) -> settle(failure));
    try {
      ApiFuture<T> sent = request.get();
      ApiFutures.addCallback(
          sent,
          new ApiFutureCallback<T>() {
            @Override
            public void onSuccess(T value) {
              result.complete(value);
            }

            @Override
            public void onFailure(Throwable failure) {
              result.completeExceptionally(failure);
            }
          },
          ForkJoinPool.commonPool());
      result.orTimeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
      return settled.whenComplete((value, failure) -> sent.cancel(true));
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
      return settled;
    }
  }

  /**
   * Refuses further calls; those in flight end by their deadline. The client is the host's and
   * stays open.
   */
  @Override
  public void close() {
    closed = true;
  }

  /** Returns whether calls are being let through. */
  boolean isAvailable() {
    return !breaker.isOpen();
  }

  /** Returns what a future failed with, without the wrappers that composition adds. */
  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Returns the status that Firestore answered, UNKNOWN if it did not. */
  static Status.Code status(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof FirestoreException firestore && firestore.getStatus() != null) {
      return firestore.getStatus().getCode();
    }
    if (cause instanceof ApiException api) {
      StatusCode.Code code = api.getStatusCode().getCode();
      return Status.Code.valueOf(code.name());
    }
    return Status.Code.UNKNOWN;
  }

  /** Returns whether a write was refused since another writer was first. */
  static boolean isLostRace(Throwable failure) {
    return LOST_RACE.contains(status(failure));
  }

  private void settle(@Nullable Throwable failure) {
    permits.release();
    Throwable cause = failure == null ? null : unwrap(failure);
    if (cause instanceof TimeoutException
        || (cause != null
            && !(cause instanceof CancellationException)
            && FAULTS.contains(status(cause)))) {
      breaker.recordFailure();
    } else {
      breaker.recordSuccess();
    }
  }

  /** The call did not reach Firestore. */
  static final class NotSentException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    NotSentException(String message) {
      super(message);
    }
  }
}
