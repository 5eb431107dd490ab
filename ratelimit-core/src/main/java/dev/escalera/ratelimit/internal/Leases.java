package dev.escalera.ratelimit.internal;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
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

  /** Into so many parts a node that is denied divides its lease, or the time to full. */
  private static final int PAUSES = 4;

  private final String node;
  private @Nullable Held held;

  /** When the store was asked last and before that, and how often, up to twice. */
  private long last;

  private long before;
  private int asked;

  /** How many tokens a nanosecond were spent of the last lease, and when it ended. */
  private double rate;

  private long ended;

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
   * @param unspent what was not used of it
   * @param figures under which it was granted
   */
  public record Ended(String id, long unspent, Figures figures) {}

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

    /**
     * Returns for how long a node that was denied better waits, so that tokens gather and are
     * fetched at once: a part of the lease, or of the time to full if that is shorter.
     */
    public long pauseNanos(Figures figures) {
      return Math.min(length.toNanos(), TimeUnit.MICROSECONDS.toNanos(figures.microsToFull()))
          / PAUSES;
    }

    public long outstandingMicros() {
      return length.plus(margin).toNanos() / 1_000;
    }
  }

  public Leases(String node) {
    this.node = node;
  }

  public String nextId() {
    return node + "." + SERIAL.incrementAndGet();
  }

  /** Starts to spend a lease that was requested at {@code sent}, of which some is spent already. */
  public synchronized void hold(
      String id, long tokens, long spent, long sent, Terms terms, Figures figures) {
    held = new Held(id, tokens, sent, sent + terms.length().toNanos(), figures);
    held.left -= spent;
  }

  /**
   * What was spent of a lease.
   *
   * @param id of the lease
   * @param left of it
   * @param figures under which it was granted
   */
  public record Spent(String id, long left, Figures figures) {}

  /** Spends, if there is enough and it is time still; else returns null. */
  public synchronized @Nullable Spent spend(long cost, long now) {
    Held lease = held;
    if (lease == null || lease.left < cost || now - lease.until >= 0) {
      return null;
    }
    lease.left -= cost;
    return new Spent(lease.id, lease.left, lease.figures);
  }

  /** Takes back what was spent on something that was denied elsewhere, if the lease is the same. */
  public synchronized void unspend(String id, long cost, long now) {
    Held lease = held;
    if (lease != null && lease.id.equals(id) && now - lease.until < 0) {
      lease.left = Math.min(lease.granted, lease.left + cost);
    }
  }

  /** Stops spending; what is unspent may be given back, once. */
  public synchronized @Nullable Ended stop(long now) {
    Held lease = held;
    held = null;
    if (lease == null) {
      return null;
    }
    long spent = lease.granted - lease.left;
    rate = (double) spent / Math.max(1, now - lease.from);
    ended = now;
    return new Ended(lease.id, lease.left, lease.figures);
  }

  /**
   * Returns how many tokens would be spent in such a time, by the last lease, if it was of late.
   */
  synchronized long used(long now, long lengthNanos) {
    return now - ended < lengthNanos ? (long) (rate * lengthNanos) : 0;
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
