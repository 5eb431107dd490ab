package dev.escalera.cache.redis;

import dev.failsafe.CircuitBreaker;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.io.Serial;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of our own on the host's client: opened at once and anew on demand, retired at its
 * first fault, its calls bounded in time and number and guarded by a circuit breaker.
 *
 * <p>Whatever options the host's client has, nothing is replayed: a connection that drops or times
 * out is closed before Lettuce's watchdog can revive it, and the next call opens another. A call
 * that fails with {@link NotSentException} did not reach Redis and one that fails with {@link
 * RedisCommandExecutionException} was answered; any other failure leaves its outcome unknown.
 * Futures may complete on Lettuce's event loop. Safe for use by several threads.
 */
final class RedisLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisLink.class);

  private static final int FAILURES_TO_OPEN = 5;
  private static final Duration OPEN_FOR = Duration.ofSeconds(1);
  private static final Duration FIRST_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

  private final RedisClient client;
  private final String name;
  private final Duration deadline;
  private final Semaphore permits;
  private final CircuitBreaker<Object> breaker;
  private final Deadlines deadlines = new Deadlines();
  private final Object lock = new Object();

  /**
   * The connection in use, being opened or failed; null before the first call and after a fault.
   * Guarded by the lock.
   */
  private @Nullable CompletableFuture<StatefulRedisConnection<byte[], byte[]>> current;

  private boolean closed;

  RedisLink(RedisClient client, String name, Duration deadline, int maxInFlight) {
    this.client = client;
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
                    log.warn("{}: Redis does not answer, its circuit breaker is open", name);
                  }
                })
            .onClose(
                event -> log.info("{}: Redis answers again, its circuit breaker is closed", name))
            .build();
    awaitFirst();
  }

  /**
   * Opens the first connection, for which a call may have too little time in a JVM that has just
   * begun.
   */
  private void awaitFirst() {
    try {
      connection().get(FIRST_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("{}: there is no connection to Redis yet", name, e);
    }
  }

  /**
   * Sends what {@code command} issues, or fails at once; completes within the deadline in every
   * case.
   */
  <T> CompletableFuture<T> call(
      Function<StatefulRedisConnection<byte[], byte[]>, ? extends CompletionStage<T>> command) {
    if (!permits.tryAcquire()) {
      return CompletableFuture.failedFuture(new NotSentException("too many calls in flight", null));
    }
    if (!breaker.tryAcquirePermit()) {
      permits.release();
      return CompletableFuture.failedFuture(
          new NotSentException("the circuit breaker is open", null));
    }
    long sent = System.nanoTime();
    CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection = connection();
    boolean wasOpen = connection.isDone();
    CompletableFuture<T> result =
        opened(connection)
            .exceptionallyCompose(
                e ->
                    CompletableFuture.failedFuture(
                        new NotSentException("no connection", unwrap(e))))
            .thenCompose(
                open -> {
                  CompletableFuture<T> reply = command.apply(open).toCompletableFuture();
                  deadlines.watch(reply, deadline.toNanos() - (System.nanoTime() - sent));
                  return reply;
                });
    // What is returned depends on the settling: no caller goes on before the permit is back.
    return result.whenComplete(
        (value, failure) -> settle(connection, wasOpen, failure == null ? null : unwrap(failure)));
  }

  /** Closes the connection, and waits a moment for it; calls in flight fail. Idempotent. */
  @Override
  public void close() {
    CompletableFuture<StatefulRedisConnection<byte[], byte[]>> last;
    synchronized (lock) {
      closed = true;
      last = current;
      current = null;
    }
    if (last == null) {
      return;
    }
    CompletableFuture<Void> closing = last.thenCompose(StatefulRedisConnection::closeAsync);
    try {
      closing.get(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("{}: its connection to Redis did not close well", name, e);
    }
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

  private void settle(
      CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection,
      boolean wasOpen,
      @Nullable Throwable failure) {
    permits.release();
    if (failure == null || failure instanceof RedisCommandExecutionException) {
      if (failure != null && String.valueOf(failure.getMessage()).contains("READONLY ")) {
        // A replica by now: the next call connects to whoever is the primary.
        retire(connection);
      }
      breaker.recordSuccess();
      return;
    }
    // A connection that timed out may still hold the call, and its many calls in flight fail
    // together, as one fault. A call that spent its time on waiting for it says nothing of it.
    boolean unopened = !wasOpen || connection.isCompletedExceptionally();
    if (unopened || retire(connection) || breaker.isHalfOpen()) {
      breaker.recordFailure();
    }
  }

  private CompletableFuture<StatefulRedisConnection<byte[], byte[]>> opened(
      CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection) {
    // A copy, so that the deadline of one call does not end the opening for the others.
    return connection.isDone()
        ? connection
        : connection.copy().orTimeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
  }

  private CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection() {
    CompletableFuture<StatefulRedisConnection<byte[], byte[]>> opening;
    synchronized (lock) {
      if (closed) {
        return CompletableFuture.failedFuture(new IllegalStateException(name + " is closed"));
      }
      if (current != null) {
        return current;
      }
      opening = new CompletableFuture<>();
      current = opening;
    }
    // Lettuce's asynchronous connect wants an address that the host's client does not give away.
    Thread thread = new Thread(() -> open(opening), "escalera-redis-connect");
    thread.setDaemon(true);
    try {
      thread.start();
    } catch (Error e) {
      // No thread is to be had: those who wait must learn of it.
      retire(opening);
      opening.completeExceptionally(e);
    }
    return opening;
  }

  private void open(CompletableFuture<StatefulRedisConnection<byte[], byte[]>> opening) {
    StatefulRedisConnection<byte[], byte[]> connection;
    try {
      connection = client.connect(ByteArrayCodec.INSTANCE);
    } catch (RuntimeException | Error e) {
      // Whatever happens, those who wait for this connection must learn of it.
      retire(opening);
      opening.completeExceptionally(e);
      return;
    }
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
            retire(opening);
          }
        });
    opening.complete(connection);
    boolean unwanted;
    synchronized (lock) {
      unwanted = current != opening;
    }
    if (unwanted) {
      connection.closeAsync();
    } else if (!connection.isOpen()) {
      retire(opening);
    }
  }

  /** Gives the connection up; returns whether it was the one in use. */
  private boolean retire(CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection) {
    boolean used;
    synchronized (lock) {
      used = current == connection;
      if (used) {
        current = null;
      }
    }
    if (used) {
      connection.thenAccept(StatefulRedisConnection::closeAsync);
    }
    return used;
  }

  /** The call did not reach Redis. */
  static final class NotSentException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    NotSentException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
