package dev.escalera.cache.firestore;

import com.google.cloud.firestore.CollectionReference;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the log of changes and keeps the lease: reads the heartbeat several times in each, and
 * writes it where that is for this node to do.
 *
 * <p>All state belongs to one thread.
 */
final class FirestoreLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FirestoreLog.class);

  private final Lease lease;
  private final List<CollectionReference> collections;
  private final Windows windows;
  private final Heartbeats heartbeats;
  private final String name;
  private final long leaseNanos;
  private final Platform platform;
  private final ScheduledExecutorService thread;
  private final List<LogStripe> stripes = new ArrayList<>();

  /** One at a time: where writes are slow, more of them would make them slower. */
  private boolean writing;

  /** How many heartbeats this node still writes that has no lease and does not lead. */
  private int impatience = Heartbeats.A_LEASE;

  /** When the lease was seen to hold, and whether the log says so; the last that went wrong. */
  private long held;

  private @Nullable Boolean reported;
  private @Nullable Throwable failure;

  FirestoreLog(
      Lease lease,
      List<CollectionReference> collections,
      Windows windows,
      Heartbeats heartbeats,
      String name,
      Duration maxStaleness,
      Platform platform) {
    this.lease = lease;
    this.collections = collections;
    this.windows = windows;
    this.heartbeats = heartbeats;
    this.name = name;
    this.leaseNanos = maxStaleness.toNanos();
    this.platform = platform;
    this.held = platform.nanos();
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread worker = new Thread(task, "escalera-cache-log: " + name);
              worker.setDaemon(true);
              return worker;
            });
  }

  void start(Coherence coherence) {
    for (int i = 0; i < collections.size(); i++) {
      LeasePart part = new LeasePart(lease, i, leaseNanos, platform, coherence);
      stripes.add(
          new LogStripe(
              collections.get(i), windows, name, part, coherence, this::execute, platform));
    }
    thread.scheduleWithFixedDelay(
        () -> beat(coherence), 0, leaseNanos / Heartbeats.A_LEASE, TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    heartbeats.close();
    execute(
        () -> {
          thread.shutdownNow();
          stripes.forEach(LogStripe::close);
        });
  }

  private void beat(Coherence coherence) {
    report();
    long sent = platform.nanos();
    coherence.spent(1, 0);
    heartbeats
        .read()
        .whenComplete((seen, failed) -> execute(() -> took(sent, seen, failed, coherence)));
  }

  private void took(
      long sent, Heartbeats.@Nullable Seen seen, @Nullable Throwable failed, Coherence coherence) {
    if (seen == null) {
      failure = failed;
      return;
    }
    stripes.forEach(stripe -> stripe.read(sent, seen));
    // Who has none yet does not wait for the leader; but who never hears must not write for ever.
    if (!writing && (heartbeats.isDue(seen) || (lease.isFenced() && impatience-- > 0))) {
      writing = true;
      coherence.spent(0, 1);
      heartbeats.write(seen).whenComplete((written, broken) -> execute(() -> wrote(broken)));
    }
  }

  private void wrote(@Nullable Throwable broken) {
    writing = false;
    failure = broken;
  }

  private void execute(Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      // Closed: there is nothing to hear any more.
    }
  }

  /** Says when L1 comes into use, and when it has not been for a while. */
  private void report() {
    long now = platform.nanos();
    boolean holds = lease.holds(now);
    if (holds) {
      held = now;
      impatience = Heartbeats.A_LEASE;
    }
    if (holds && !Boolean.TRUE.equals(reported)) {
      reported = true;
      log.info("{}: hears of changes, L1 is in use", name);
    } else if (now - held > 2 * leaseNanos && !Boolean.FALSE.equals(reported)) {
      reported = false;
      log.warn("{}: L1 is not in use, no heartbeat is heard, last failure {}", name, failed());
    }
  }

  private String failed() {
    return failure == null ? "none" : FirestoreLink.unwrap(failure).toString();
  }
}
