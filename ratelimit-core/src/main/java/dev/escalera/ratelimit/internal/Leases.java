package dev.escalera.ratelimit.internal;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What one node may spend of one bucket without asking: at most one lease at a time. Safe for use
 * by several threads.
 *
 * <p>The node counts the time of a lease from when it sent the request, which is before the store
 * granted it, and the store counts a margin more; so the node stops first, if its clock is not
 * wrong by more than half the margin.
 */
public final class Leases {
  private static final AtomicLong SERIAL = new AtomicLong();

  private final String node;
  private @Nullable Held held;

  /** When the store was asked last and before that, and how often, up to twice. */
  private long last;

  private long before;
  private int asked;

  /** The lease that is spent at present. */
  private static final class Held {
    private final String id;
    private final long granted;
    private final long from;
    private final long until;
    private final Figures figures;
    private long left;

    Held(String id, long granted, long from, long until, Figures figures) {
      this.id = id;
      this.granted = granted;
      this.from = from;
      this.until = until;
      this.figures = figures;
      this.left = granted;
    }
  }

  /**
   * A lease that is over.
   *
   * @param id of the lease
   * @param spent what was used of it
   * @param unspent what was not
   * @param heldNanos how long it was held
   */
  public record Ended(String id, long spent, long unspent, long heldNanos) {}

  /**
   * For how long leases are.
   *
   * @param length for which a node spends
   * @param margin how much longer the store counts on it
   */
  public record Terms(Duration length, Duration margin) {
    /** Clocks that differ by up to a two-hundredth are allowed for. */
    public static Terms of(Duration length) {
      return new Terms(length, length.dividedBy(100).plusMillis(1));
    }

    long outstandingMicros() {
      return length.plus(margin).toNanos() / 1_000;
    }
  }

  public Leases(String node) {
    this.node = node;
  }

  public String nextId() {
    return node + "." + SERIAL.incrementAndGet();
  }

  /** Starts to spend a lease that was requested at {@code sent}. */
  public synchronized void hold(String id, long tokens, long sent, Terms terms, Figures figures) {
    held = new Held(id, tokens, sent, sent + terms.length().toNanos(), figures);
  }

  /** Spends, if there is enough and it is time still; returns what is left, -1 if not. */
  public synchronized long spend(long cost, long now) {
    Held lease = held;
    if (lease == null || lease.left < cost || now - lease.until >= 0) {
      return -1;
    }
    lease.left -= cost;
    return lease.left;
  }

  /** Returns the figures under which the lease was granted, those given if there is none. */
  synchronized Figures figures(Figures otherwise) {
    return held == null ? otherwise : held.figures;
  }

  /** Takes back what was spent on something that was denied elsewhere, if the lease is the same. */
  public synchronized void unspend(long cost, long now) {
    Held lease = held;
    if (lease != null && now - lease.until < 0) {
      lease.left = Math.min(lease.granted, lease.left + cost);
    }
  }

  /** Stops spending; what is unspent may be given back, once. */
  public synchronized @Nullable Ended stop(long now) {
    Held lease = held;
    held = null;
    return lease == null
        ? null
        : new Ended(lease.id, lease.granted - lease.left, lease.left, now - lease.from);
  }

  /** The store is asked again; returns whether that is the third time within a lease's length. */
  synchronized boolean isFrequent(long now, long lengthNanos) {
    boolean frequent = asked >= 2 && now - before < lengthNanos;
    before = last;
    last = now;
    asked = Math.min(asked + 1, 2);
    return frequent;
  }
}
