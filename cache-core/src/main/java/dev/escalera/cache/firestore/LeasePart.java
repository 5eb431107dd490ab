package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One stripe's part of the lease. A read that this node sent shows up to when commits count; once
 * the listener has told of all until then, the lease runs from when that read was sent. All state
 * belongs to one thread.
 */
final class LeasePart {
  private final Lease lease;
  private final int part;
  private final long leaseNanos;
  private final Platform platform;
  private final Coherence coherence;

  /** Those that are not proven yet, and the latest that is. */
  private final List<Read> reads = new ArrayList<>();

  private @Nullable Read proven;

  /** All that was committed until then has been told; null if nothing is known. */
  private @Nullable Timestamp heard;

  private boolean opened;
  private long generation;

  private record Read(long sent, Timestamp time) {}

  LeasePart(Lease lease, int part, long leaseNanos, Platform platform, Coherence coherence) {
    this.lease = lease;
    this.part = part;
    this.leaseNanos = leaseNanos;
    this.platform = platform;
    this.coherence = coherence;
  }

  /** Takes in a strong read: when it was sent, by this node, and its time, by the store. */
  void read(long sent, Timestamp time) {
    // A heartbeat may come before the reply to the read that it proves, or several reads later.
    reads.removeIf(each -> platform.nanos() - each.sent >= leaseNanos);
    reads.add(new Read(sent, time));
    prove();
  }

  /** Takes in that all that was committed until a time has been told. */
  void heard(Timestamp time) {
    if (lacks(time)) {
      heard = time;
      prove();
    }
  }

  /** Returns whether something may not have been told that was committed until a time. */
  boolean lacks(Timestamp time) {
    return heard == null || heard.compareTo(time) < 0;
  }

  /** Ends the generation: changes may have been missed. */
  void fence() {
    heard = null;
    proven = null;
    opened = false;
    if (lease.fence(part)) {
      coherence.fenced();
    }
  }

  private void prove() {
    boolean later = false;
    for (Read read : reads) {
      // Replies may come in another order.
      if (!lacks(read.time) && (proven == null || read.sent - proven.sent > 0)) {
        proven = read;
        later = true;
      }
    }
    reads.removeIf(each -> !lacks(each.time));
    Read latest = proven;
    if (!later || latest == null) {
      return;
    }
    if (opened) {
      lease.renew(part, generation, latest.sent + leaseNanos);
    } else {
      opened = true;
      generation = lease.open(part, latest.sent + leaseNanos);
      coherence.opened(true);
    }
  }
}
