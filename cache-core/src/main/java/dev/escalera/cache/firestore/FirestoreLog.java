package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentChange;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.FirestoreException;
import com.google.cloud.firestore.ListenerRegistration;
import com.google.cloud.firestore.QuerySnapshot;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the log of changes: a document a change, of which a recent window is listened to,
 * since the timestamps of the server are not the order of commits. From time to time a listener
 * with a later window takes over, so that none holds more than two windows.
 *
 * <p>All state belongs to one thread.
 */
final class FirestoreLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FirestoreLog.class);

  private static final Duration WINDOW = Duration.ofMinutes(5);
  private static final Duration LIFE = Duration.ofHours(1);
  private static final long MIN_PAUSE_MILLIS = 50;
  private static final long MAX_PAUSE_MILLIS = 5_000;
  private static final long START_DEADLINE_SECONDS = 10;

  private final CollectionReference changes;
  private final String name;
  private final ScheduledExecutorService thread;
  private @Nullable Subscription current;
  private @Nullable Subscription next;
  private @Nullable ScheduledFuture<?> planned;
  private long pause = MIN_PAUSE_MILLIS;
  private boolean closed;
  private @Nullable Lease lease;

  FirestoreLog(CollectionReference changes, String name) {
    this.changes = changes;
    this.name = name;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread worker = new Thread(task, "escalera-cache-log");
              worker.setDaemon(true);
              return worker;
            });
  }

  /** The document of a change. */
  static Map<String, Object> fields(long hash, long nonce) {
    return Map.of(
        "hash",
        hash,
        "nonce",
        nonce,
        "at",
        FieldValue.serverTimestamp(),
        "expiresAt",
        FirestoreStore.garbageAt(LIFE));
  }

  void start(Lease lease, Coherence coherence) {
    this.lease = lease;
    thread.execute(() -> attach(coherence));
  }

  @Override
  public void close() {
    execute(
        () -> {
          closed = true;
          drop();
          thread.shutdownNow();
        });
  }

  /** Starts a listener that takes over once it has heard of what is there. */
  private void attach(Coherence coherence) {
    if (closed) {
      return;
    }
    try {
      // No clock but the server's says what is recent.
      DocumentSnapshot probe =
          changes.document("now").get().get(START_DEADLINE_SECONDS, TimeUnit.SECONDS);
      Timestamp now = probe.getReadTime();
      if (now == null) {
        throw new IllegalStateException("a read without a read time");
      }
      Subscription subscription = new Subscription(coherence);
      next = subscription;
      Timestamp from =
          Timestamp.ofTimeSecondsAndNanos(now.getSeconds() - WINDOW.toSeconds(), now.getNanos());
      subscription.registration =
          changes
              .whereGreaterThan("at", from)
              .addSnapshotListener(this::execute, subscription::receive);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      fail(coherence, e);
    }
  }

  private void execute(Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      // Closed: there is nothing to hear any more.
    }
  }

  private void fail(Coherence coherence, Exception failure) {
    fence(coherence);
    if (closed) {
      return;
    }
    if (pause == MIN_PAUSE_MILLIS) {
      log.warn("{}: cannot listen to changes, will try again", name, failure);
    }
    drop();
    plan(coherence, pause);
    pause = Math.min(2 * pause, MAX_PAUSE_MILLIS);
  }

  private void fence(Coherence coherence) {
    if (lease != null && lease.fence()) {
      coherence.fenced();
    }
  }

  private void open(Coherence coherence) {
    if (lease != null) {
      lease.open(lease.never());
      coherence.opened(true);
      log.info("{}: hears of changes, L1 is in use", name);
    }
  }

  /** Attaches later, once: what was planned before is off. */
  private void plan(Coherence coherence, long delayMillis) {
    if (planned != null) {
      planned.cancel(false);
    }
    planned = thread.schedule(() -> attach(coherence), delayMillis, TimeUnit.MILLISECONDS);
  }

  private void drop() {
    for (Subscription each : new Subscription[] {current, next}) {
      if (each != null) {
        each.remove();
      }
    }
    current = null;
    next = null;
  }

  /** One listener's life. */
  private final class Subscription {
    private final Coherence coherence;
    private final Set<String> known = new HashSet<>();
    private @Nullable ListenerRegistration registration;

    Subscription(Coherence coherence) {
      this.coherence = coherence;
    }

    void remove() {
      if (registration != null) {
        registration.remove();
      }
    }

    void receive(@Nullable QuerySnapshot snapshot, @Nullable FirestoreException failure) {
      if (this != current && this != next) {
        return;
      }
      try {
        if (snapshot == null) {
          throw failure != null ? failure : new IllegalStateException("neither news nor an error");
        }
        Subscription before = this == next ? current : null;
        boolean fresh = this == next && current == null;
        for (DocumentChange change : snapshot.getDocumentChanges()) {
          String id = change.getDocument().getId();
          if (change.getType() == DocumentChange.Type.REMOVED) {
            known.remove(id);
          } else if (known.add(id) && !fresh && (before == null || !before.known.contains(id))) {
            tell(change.getDocument());
          }
        }
        if (this == next) {
          takeOver(before);
        }
      } catch (Exception e) {
        fail(coherence, e);
      }
    }

    private void tell(DocumentSnapshot change) {
      Long hash = change.getLong("hash");
      Long nonce = change.getLong("nonce");
      if (hash == null || nonce == null) {
        throw new IllegalStateException("a change that is not understood");
      }
      coherence.changed(hash, nonce);
    }

    private void takeOver(@Nullable Subscription before) {
      current = this;
      next = null;
      pause = MIN_PAUSE_MILLIS;
      if (before == null) {
        open(coherence);
      } else {
        before.remove();
      }
      plan(coherence, WINDOW.toMillis());
    }
  }
}
