package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rate limiter whose buckets are in a store; what the store cannot decide, the failure policy
 * does.
 */
public final class RemoteRateLimiter implements RateLimiter {
  /** Buckets in a store. */
  public interface Store {
    /** Decides; fails if the store does not, and completes within a deadline in every case. */
    CompletableFuture<Outcome> acquire(Limit limit, String subject, long cost);

    void close();
  }

  private static final Logger log = LoggerFactory.getLogger(RemoteRateLimiter.class);

  /** When a client that the policy refused is told to come again. */
  private static final Duration FALLBACK_RETRY = Duration.ofSeconds(1);

  private final String name;
  private final Limits limits;
  private final Store store;
  private final FailurePolicy policy;
  private final AtomicBoolean degraded = new AtomicBoolean();
  private volatile boolean closed;

  public RemoteRateLimiter(String name, Limits limits, Store store, FailurePolicy policy) {
    this.name = name;
    this.limits = limits;
    this.store = store;
    this.policy = policy;
  }

  @Override
  public CompletionStage<Decision> tryAcquireAsync(String limit, String subject, long cost) {
    // Handed over to another thread: what the host does next is nothing for the driver's.
    return decide(limit, subject, cost).thenApplyAsync(decision -> decision);
  }

  @Override
  public Decision tryAcquire(String limit, String subject, long cost) {
    CompletableFuture<Decision> decision = decide(limit, subject, cost);
    try {
      return decision.get();
    } catch (InterruptedException e) {
      decision.cancel(true);
      Thread.currentThread().interrupt();
      throw new RateLimitException("interrupted while acquiring " + key(limit, subject), e);
    } catch (ExecutionException e) {
      throw new RateLimitException("cannot decide " + key(limit, subject), e.getCause());
    }
  }

  @Override
  public void close() {
    closed = true;
    store.close();
  }

  private CompletableFuture<Decision> decide(String name, String subject, long cost) {
    Limit limit = limits.check(name, subject, cost);
    if (closed) {
      throw new IllegalStateException(this.name + " is closed");
    }
    return store
        .acquire(limit, subject, cost)
        .handle((outcome, failure) -> decision(limit, outcome, failure));
  }

  private Decision decision(Limit limit, @Nullable Outcome outcome, @Nullable Throwable failure) {
    if (outcome != null) {
      if (degraded.get() && degraded.compareAndSet(true, false)) {
        log.info("{}: the store decides again", name);
      }
      return outcome.decision(limit, DecisionSource.REMOTE);
    }
    if (!degraded.get() && degraded.compareAndSet(false, true)) {
      log.warn("{}: the store does not decide, {} does", name, policy, failure);
    }
    boolean open = policy == FailurePolicy.FAIL_OPEN;
    return new Decision(
        open,
        limit,
        0,
        open ? Duration.ZERO : FALLBACK_RETRY,
        Duration.ZERO,
        DecisionSource.FALLBACK);
  }

  private static String key(String limit, String subject) {
    return "\"" + Keys.escape(limit) + "\" for \"" + Keys.escape(subject) + "\"";
  }
}
