package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Maintenance;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** What all rate limiters have in common: checks, waiting, and the blocking forms. */
public abstract class AbstractRateLimiter implements RateLimiter, Maintenance {
  private static final Duration MAX_WAIT = Duration.ofDays(1);

  protected final Limits limits;
  protected final ProcessClock clock;
  private final String name;
  private final Waiting waiting;
  private volatile boolean closed;

  // It is called at the first call, when the subclass is complete.
  @SuppressWarnings("this-escape")
  protected AbstractRateLimiter(String name, Limits limits, ProcessClock clock) {
    this.name = name;
    this.limits = limits;
    this.clock = clock;
    this.waiting = new Waiting(this::decide, clock);
  }

  /** Decides; what depends on the future runs on no thread of a driver. */
  protected abstract CompletableFuture<Decision> decide(List<Target> targets, long cost);

  /** Decides, and waits for it. */
  protected abstract Decision decideNow(List<Target> targets, long cost);

  /** Decides on the bucket of a subject, whose limit that is, and waits for it. */
  protected abstract Decision decideNow(Limits.Named named, Limit limit, String subject, long cost);

  /** Throws IllegalArgumentException if these cannot be decided on together. */
  protected void check(List<Target> targets) {}

  @Override
  public final CompletionStage<Decision> tryAcquireAsync(Permits permits) {
    return decide(checked(permits), permits.cost());
  }

  @Override
  public final Decision tryAcquire(Permits permits) {
    return decideNow(checked(permits), permits.cost());
  }

  @Override
  public final CompletionStage<Decision> tryAcquireAsync(String limit, String subject, long cost) {
    return decide(List.of(checked(limit, subject, cost)), cost);
  }

  @Override
  public final Decision tryAcquire(String limit, String subject, long cost) {
    Limits.Named named = limits.named(limit);
    Limit asked = named.check(subject, cost);
    requireOpen();
    return decideNow(named, asked, subject, cost);
  }

  @Override
  public final CompletionStage<Decision> acquireAsync(Permits permits, Duration maxWait) {
    return waitingFor(permits, maxWait);
  }

  @Override
  public final Decision acquire(Permits permits, Duration maxWait) {
    return await(waitingFor(permits, maxWait), "acquiring", permits.buckets().get(0));
  }

  @Override
  public final Maintenance maintenance() {
    return this;
  }

  @Override
  public void close() {
    closed = true;
    limits.counters().unbind();
  }

  /** Waits for the future; what ends it otherwise is thrown. */
  protected static <T> T await(CompletableFuture<T> future, String doing, Object what) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new RateLimitException("interrupted while " + doing + " " + what, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IllegalStateException closed) {
        throw closed;
      }
      throw new RateLimitException("failed at " + doing + " " + what, e.getCause());
    }
  }

  protected final Target checked(String limit, String subject, long cost) {
    Target target = limits.check(limit, subject, cost);
    requireOpen();
    return target;
  }

  private CompletableFuture<Decision> waitingFor(Permits permits, Duration maxWait) {
    if (maxWait.isNegative() || maxWait.compareTo(MAX_WAIT) > 0) {
      throw new IllegalArgumentException("maxWait is " + maxWait + ", expected 0 to 1 day");
    }
    return waiting.acquire(checked(permits), permits.cost(), maxWait.toNanos());
  }

  private List<Target> checked(Permits permits) {
    List<Target> targets = limits.check(permits);
    if (targets.size() > 1) {
      check(targets);
    }
    requireOpen();
    return targets;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
  }
}
