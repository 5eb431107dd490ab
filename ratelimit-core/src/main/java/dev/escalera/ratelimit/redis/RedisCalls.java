package dev.escalera.ratelimit.redis;

import dev.escalera.ratelimit.internal.NotSentException;
import dev.failsafe.CircuitBreaker;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
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
 * Calls over one connection of our own on the host's client: opened at once and anew on demand, its
 * calls bounded in time and number and guarded by a circuit breaker.
 *
 * <p>To one server a connection is retired at its first fault, before Lettuce's watchdog can revive
 * it: whatever options the host's client has, nothing is replayed. To a cluster it is kept, since
 * it is one to each node: there a call may be repeated, which can only take tokens in vain. A call
 * that fails with {@link NotSentException} did not reach Redis and one that fails with {@link
 * RedisCommandExecutionException} was answered; any other failure leaves its outcome unknown.
 * Futures may complete on Lettuce's event loop. Safe for use by several threads.
 */
final class RedisCalls implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisCalls.class);

  private static final int MAX_IN_FLIGHT = 10_000;
  private static final int FAILURES_TO_OPEN = 5;
  private static final Duration OPEN_FOR = Duration.ofSeconds(1);
  private static final Duration FIRST_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

  private final Connector connector;
  private final String name;
  private final Semaphore permits = new Semaphore(MAX_IN_FLIGHT);
  private final CircuitBreaker<Object> breaker;
  private final Deadlines deadlines = new Deadlines();
  private final Object lock = new Object();

  /**
   * The connection in use, being opened or failed; null before the first call and after a fault.
   * Guarded by the lock.
   */
  private volatile @Nullable CompletableFuture<Connection> current;

  private boolean closed;

  /** Opens connections on the host's client; may take a while. */
  interface Connector {
    Connection connect();

    /** Whether the connection leads to many servers, and outlives a fault of one. */
    boolean isCluster();
  }

  /** A connection and what is called on it. */
  record Connection(
      StatefulConnection<byte[], byte[]> connection,
      RedisScriptingAsyncCommands<byte[], byte[]> scripts) {}

  RedisCalls(Connector connector, String name) {
    this.connector = connector;
    this.name = name;
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
   * Sends what {@code command} issues, or fails at once; completes within the time in every case.
   */
  <T> CompletableFuture<T> call(
      Function<RedisScriptingAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command,
      long timeoutNanos) {
    if (!permits.tryAcquire()) {
      return CompletableFuture.failedFuture(new NotSentException("too many calls in flight", null));
    }
    if (!breaker.tryAcquirePermit()) {
      permits.release();
      return CompletableFuture.failedFuture(
          new NotSentException("the circuit breaker is open", null));
    }
    long begun = System.nanoTime();
    CompletableFuture<Connection> connection = connection();
    boolean wasOpen = connection.isDone();
    CompletableFuture<T> sent = new CompletableFuture<>();
    // What is returned depends on the settling: no caller goes on before the permit is back.
    CompletableFuture<T> result =
        sent.whenComplete(
            (value, failure) ->
                settle(connection, wasOpen, failure == null ? null : unwrap(failure)));
    if (wasOpen) {
      send(connection, command, sent);
      deadlines.watch(sent, timeoutNanos);
    } else {
      // A copy, so that the time of one call does not end the opening for the others.
      connection
          .copy()
          .orTimeout(timeoutNanos, TimeUnit.NANOSECONDS)
          .whenComplete(
              (open, failure) -> {
                if (failure != null) {
                  sent.completeExceptionally(
                      new NotSentException("no connection", unwrap(failure)));
                } else {
                  send(connection, command, sent);
                  deadlines.watch(sent, timeoutNanos - (System.nanoTime() - begun));
                }
              });
    }
    return result;
  }

  private static <T> void send(
      CompletableFuture<Connection> connection,
      Function<RedisScriptingAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command,
      CompletableFuture<T> sent) {
    Connection open;
    try {
      open = connection.join();
    } catch (RuntimeException e) {
      sent.completeExceptionally(new NotSentException("no connection", unwrap(e)));
      return;
    }
    try {
      command
          .apply(open.scripts())
          .whenComplete(
              (value, failure) -> {
                if (failure == null) {
                  sent.complete(value);
                } else {
                  sent.completeExceptionally(unwrap(failure));
                }
              });
    } catch (RuntimeException e) {
      sent.completeExceptionally(e);
    }
  }

  /** Closes the connection, and waits a moment for it; calls in flight fail. Idempotent. */
  @Override
  public void close() {
    CompletableFuture<Connection> last;
    synchronized (lock) {
      closed = true;
      last = current;
      current = null;
    }
    if (last == null) {
      return;
    }
    CompletableFuture<Void> closing = last.thenCompose(open -> open.connection().closeAsync());
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
      CompletableFuture<Connection> connection, boolean wasOpen, @Nullable Throwable failure) {
    permits.release();
    if (failure == null || failure instanceof RedisCommandExecutionException) {
      if (failure != null
          && !connector.isCluster()
          && String.valueOf(failure.getMessage()).contains("READONLY ")) {
        // A replica by now: the next call connects to whoever is the primary.
        retire(connection);
      }
      breaker.recordSuccess();
      return;
    }
    if (connector.isCluster() && !connection.isCompletedExceptionally()) {
      breaker.recordFailure();
      return;
    }
    // A connection that timed out may still hold the call, and its many calls in flight fail
    // together, as one fault. A call that spent its time on waiting for it says nothing of it.
    boolean unopened = !wasOpen || connection.isCompletedExceptionally();
    if (unopened || retire(connection) || breaker.isHalfOpen()) {
      breaker.recordFailure();
    }
  }

  private CompletableFuture<Connection> connection() {
    CompletableFuture<Connection> opening = current;
    if (opening != null) {
      return opening;
    }
    synchronized (lock) {
      if (closed) {
        return CompletableFuture.failedFuture(new IllegalStateException(name + " is closed"));
      }
      opening = current;
      if (opening != null) {
        return opening;
      }
      opening = new CompletableFuture<>();
      current = opening;
    }
    // Lettuce's asynchronous connect wants an address that the host's client does not give away.
    CompletableFuture<Connection> mine = opening;
    Thread thread = new Thread(() -> open(mine), "escalera-redis-connect");
    thread.setDaemon(true);
    try {
      thread.start();
    } catch (Error e) {
      // No thread is to be had: those who wait must learn of it.
      retire(mine);
      mine.completeExceptionally(e);
    }
    return mine;
  }

  private void open(CompletableFuture<Connection> opening) {
    Connection opened;
    try {
      opened = connector.connect();
    } catch (RuntimeException | Error e) {
      // Whatever happens, those who wait for this connection must learn of it.
      retire(opening);
      opening.completeExceptionally(e);
      return;
    }
    if (!connector.isCluster()) {
      opened
          .connection()
          .addListener(
              new RedisConnectionStateListener() {
                @Override
                public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
                  retire(opening);
                }
              });
    }
    opening.complete(opened);
    boolean unwanted;
    synchronized (lock) {
      unwanted = current != opening;
    }
    if (unwanted) {
      opened.connection().closeAsync();
    } else if (!connector.isCluster() && !opened.connection().isOpen()) {
      retire(opening);
    }
  }

  /** Gives the connection up; returns whether it was the one in use. */
  private boolean retire(CompletableFuture<Connection> connection) {
    boolean used;
    synchronized (lock) {
      used = current == connection;
      if (used) {
        current = null;
      }
    }
    if (used) {
      connection.thenAccept(open -> open.connection().closeAsync());
    }
    return used;
  }
}
