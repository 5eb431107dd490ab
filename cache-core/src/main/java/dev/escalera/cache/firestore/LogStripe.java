package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentChange;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.FirestoreException;
import com.google.cloud.firestore.ListenerRegistration;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import com.google.cloud.firestore.QuerySnapshot;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Platform;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to one stripe of the log: a document a change, of which a recent window is listened to,
 * since the timestamps of the server are not the order of commits. Where one is as old as its
 * window, or silent, a listener with a later window takes over, so that none holds more than two
 * windows for longer than the next takes to hear. All state belongs to one thread.
 */
final class LogStripe {
  private static final Logger log = LoggerFactory.getLogger(LogStripe.class);

  private static final long MIN_PAUSE_MILLIS = 50;
  private static final long MAX_PAUSE_MILLIS = 5_000;

  private final CollectionReference changes;
  private final Windows windows;
  private final String name;
  private final LeasePart part;
  private final Coherence coherence;
  private final Executor thread;
  private final Platform platform;
  private @Nullable Subscription current;
  private @Nullable Subscription next;
  private long pause = MIN_PAUSE_MILLIS;
  private long notBefore;

  LogStripe(
      CollectionReference changes,
      Windows windows,
      String name,
      LeasePart part,
      Coherence coherence,
      Executor thread,
      Platform platform) {
    this.changes = changes;
    this.windows = windows;
    this.name = name;
    this.part = part;
    this.coherence = coherence;
    this.thread = thread;
    this.platform = platform;
    this.notBefore = platform.nanos();
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
        Times.garbageAt(Windows.LIFE));
  }

  /**
   * Takes a read in that was sent at a time of the platform's, and listens if that is called for.
   */
  void read(long sent, Heartbeats.Seen seen) {
    part.read(sent, seen.now());
    Subscription newest = next != null ? next : current;
    if (newest == null
        ? platform.nanos() - notBefore >= 0
        : isOld(newest, seen) || isSilent(newest, seen)) {
      listen(seen.now());
    }
  }

  void close() {
    for (Subscription each : new Subscription[] {current, next}) {
      if (each != null) {
        each.remove();
      }
    }
    current = null;
    next = null;
  }

  private boolean isOld(Subscription newest, Heartbeats.Seen seen) {
    return newest.began.compareTo(Times.before(seen.now(), windows.window())) < 0;
  }

  private boolean isSilent(Subscription newest, Heartbeats.Seen seen) {
    Timestamp beat = seen.beat();
    return beat != null
        && part.lacks(Times.before(beat, windows.maxSilence()))
        && newest.began.compareTo(Times.before(seen.now(), windows.maxSilence())) < 0;
  }

  /** Starts a listener that takes over once it has heard of what is there. */
  private void listen(Timestamp now) {
    if (next != null) {
      next.remove();
    }
    Subscription subscription = new Subscription(now);
    next = subscription;
    try {
      subscription.registration =
          changes
              .whereGreaterThan("at", subscription.from())
              .addSnapshotListener(thread, subscription::receive);
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  private void fail(Exception failure) {
    part.fence();
    close();
    if (pause == MIN_PAUSE_MILLIS) {
      log.warn("{}: cannot listen to changes, will try again", name, failure);
    }
    notBefore = platform.nanos() + TimeUnit.MILLISECONDS.toNanos(pause);
    pause = Math.min(2 * pause, MAX_PAUSE_MILLIS);
  }

  /** One listener's life. */
  private final class Subscription {
    /** No clock but the server's says what is recent. */
    private final Timestamp began;

    private final Set<String> known = new HashSet<>();
    private @Nullable ListenerRegistration registration;

    Subscription(Timestamp began) {
      this.began = began;
    }

    Timestamp from() {
      return Times.before(began, windows.window());
    }

    void remove() {
      try {
        if (registration != null) {
          registration.remove();
        }
      } catch (RejectedExecutionException e) {
        // The host has closed the client already: it hears of nothing any more.
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
        hear(snapshot);
      } catch (Exception e) {
        fail(e);
      }
    }

    private void hear(QuerySnapshot snapshot) {
      if (part.lacks(Times.before(snapshot.getReadTime(), windows.maxGap()))) {
        part.fence();
      }
      Subscription before = this == next ? current : null;
      boolean fresh = this == next && current == null;
      Timestamp beat = null;
      for (DocumentChange change : snapshot.getDocumentChanges()) {
        QueryDocumentSnapshot document = change.getDocument();
        String id = document.getId();
        if (change.getType() == DocumentChange.Type.REMOVED) {
          known.remove(id);
        } else if (id.equals(Heartbeats.ID)) {
          beat = document.getUpdateTime();
        } else if (known.add(id) && !fresh && (before == null || !before.known.contains(id))) {
          tell(document);
        }
      }
      if (this == next) {
        takeOver(before);
      }
      // Last: a snapshot holds all that was committed before its latest document, and it is told.
      if (beat != null) {
        part.heard(beat);
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
      if (before != null) {
        before.remove();
        if (part.lacks(Times.before(began, windows.window().minus(windows.overlap())))) {
          part.fence();
        }
      }
    }
  }
}
