package dev.escalera.cache.internal;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of all changes, keeps a lease on that, and waits for others who do.
 *
 * <p>A renewal is a write over the very connection that listens: its reply proves that whatever was
 * published before has arrived, so the lease runs from the moment it was sent. A gap in the
 * sequence of changes, another registry, a reply that is late, the end of the connection: each
 * fences, and a new connection is made.
 *
 * <p>Whoever wants a change acknowledged waits for the nodes that were registered when it was made,
 * or until each lease that they may hold has run out. The wait alone is enough; acknowledgements
 * shorten it.
 */
public final class Channel implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Channel.class);

  private static final long MIN_PAUSE_NANOS = 20_000_000;
  private static final long MAX_PAUSE_NANOS = 1_000_000_000;

  private final Platform platform;
  private final Wire wire;
  private final Rules rules;
  private final String name;
  private final long leaseNanos;
  private final long node;
  private final Lease lease;
  private final int part;
  private final StoreClock clock = new StoreClock();
  private final AtomicLong renewals = new AtomicLong();
  private final Map<Long, Set<Coherence>> caches = new ConcurrentHashMap<>();
  private final Map<Long, Acknowledgement> waiting = new ConcurrentHashMap<>();

  /** Guarded by this, as is what follows. */
  private @Nullable Attempt current;

  private long incarnation;
  private long incarnationSince;
  private long pause = MIN_PAUSE_NANOS;
  private boolean failed;
  private boolean closed;

  /** Makes a channel whose renewals are one part of a lease. */
  public Channel(
      Platform platform, Wire wire, String name, long leaseNanos, Lease lease, int part) {
    this(platform, wire, name, leaseNanos, lease, part, new Rules());
  }

  Channel(
      Platform platform,
      Wire wire,
      String name,
      long leaseNanos,
      Lease lease,
      int part,
      Rules rules) {
    this.platform = platform;
    this.wire = wire;
    this.name = name;
    this.leaseNanos = leaseNanos;
    this.rules = rules;
    this.node = platform.nonce();
    this.lease = lease;
    this.part = part;
  }

  public void start() {
    connect();
  }

  public Lease lease() {
    return lease;
  }

  public StoreClock clock() {
    return clock;
  }

  public long node() {
    return node;
  }

  /** Tells a cache of changes from now on. */
  public void join(long cache, Coherence coherence) {
    caches.computeIfAbsent(cache, hash -> new CopyOnWriteArraySet<>()).add(coherence);
    if (!lease.isFenced()) {
      coherence.opened(true);
    }
  }

  public void leave(long cache, Coherence coherence) {
    Set<Coherence> all = caches.get(cache);
    if (all != null) {
      all.remove(coherence);
    }
  }

  /** Fences, and leaves the registry. */
  @Override
  public void close() {
    Attempt last;
    synchronized (this) {
      closed = true;
      last = current;
    }
    if (last != null) {
      last.end("closed");
    }
  }

  /** Makes ready to hear who has acknowledged a change, which is yet to be made. */
  public Acknowledgement expect() {
    Acknowledgement expected = new Acknowledgement(platform.nonce() | 1);
    waiting.put(expected.id, expected);
    return expected;
  }

  /** Ends when all changes that were made before have been told. */
  public CompletableFuture<Void> barrier() {
    Attempt attempt;
    synchronized (this) {
      attempt = current;
    }
    return attempt == null
        ? CompletableFuture.failedFuture(new IllegalStateException("not connected"))
        : attempt.send();
  }

  private void each(Consumer<Coherence> tell) {
    caches.values().forEach(all -> all.forEach(tell));
  }

  private void connect() {
    Attempt attempt = new Attempt();
    synchronized (this) {
      if (closed) {
        return;
      }
      current = attempt;
    }
    wire.connect(attempt)
        .whenComplete(
            (connection, failure) -> {
              if (failure == null) {
                attempt.begin(connection);
              } else {
                attempt.end("cannot listen to changes, will try again", failure);
              }
            });
  }

  private void retry() {
    long wait;
    synchronized (this) {
      wait = (long) (pause * (0.5 + platform.random() / 2));
      pause = Math.min(2 * pause, MAX_PAUSE_NANOS);
    }
    platform.after(wait, this::connect);
  }

  /** One connection's life; what comes after its end does not count. */
  private final class Attempt implements Wire.Events {
    private Wire.@Nullable Connection connection;
    private long generation;
    private long answered;
    private long sequence;
    private boolean sequenceKnown;
    private long joined;
    private boolean opened;
    private boolean ended;

    void begin(Wire.Connection connected) {
      boolean late;
      synchronized (this) {
        this.connection = connected;
        late = ended;
      }
      if (late) {
        connected.close();
      } else {
        renew();
      }
    }

    private void renew() {
      send();
      synchronized (this) {
        if (ended) {
          return;
        }
      }
      platform.after(leaseNanos / 3, this::renew);
    }

    /** Sends a renewal; the future ends when its reply has been taken in. */
    CompletableFuture<Void> send() {
      Wire.Connection over;
      long expected;
      synchronized (this) {
        over = connection;
        if (ended || over == null) {
          return CompletableFuture.failedFuture(new IllegalStateException("not connected"));
        }
      }
      // Never the same twice, over all connections: by it others see that a node has renewed.
      expected = renewals.incrementAndGet();
      long sent = platform.nanos();
      CompletableFuture<Void> done =
          over.renew(node, expected)
              .handle(
                  (renewal, failure) -> {
                    if (failure != null) {
                      end("a renewal failed", failure);
                      throw new CompletionException(failure);
                    }
                    renewed(expected, sent, renewal);
                    return null;
                  });
      platform.after(leaseNanos, () -> expireRenewal(expected));
      return done;
    }

    private void expireRenewal(long expected) {
      boolean late;
      synchronized (this) {
        late = !ended && answered < expected;
      }
      if (late) {
        end("a renewal was not answered in time");
      }
    }

    private void renewed(long expected, long sent, Wire.Renewal renewal) {
      long received = platform.nanos();
      String gap = null;
      boolean first = false;
      boolean resumed = false;
      synchronized (this) {
        if (ended || expected <= answered) {
          return;
        }
        answered = expected;
        if (!sequenceKnown) {
          sequence = renewal.sequence();
          sequenceKnown = true;
        }
        if (opened && renewal.incarnation() != joined) {
          gap = "the registry is another";
        } else if (sequence - renewal.sequence() < 0) {
          gap = "a change was not told";
        } else {
          joined = renewal.incarnation();
          clock.learn(renewal.storeMillis(), sent, received);
          resumed = seen(joined, received);
          long end = rules.leaseBegins(sent, received) + leaseNanos;
          if (!opened) {
            opened = true;
            first = true;
            generation = lease.open(part, end);
          } else {
            lease.renew(part, generation, end);
          }
        }
      }
      if (gap != null) {
        end(gap);
      } else if (first) {
        heard();
        boolean again = resumed;
        each(cache -> cache.opened(again));
      }
    }

    @Override
    public void changed(Wire.Change change) {
      Wire.Connection over;
      boolean gap;
      synchronized (this) {
        if (ended) {
          return;
        }
        gap = sequenceKnown && change.sequence() != sequence + 1;
        sequence = change.sequence();
        sequenceKnown = true;
        over = connection;
      }
      if (gap) {
        end("a change came twice, too late or not at all");
        return;
      }
      for (Coherence cache : caches.getOrDefault(change.cache(), Set.of())) {
        cache.changed(change.hash(), change.nonce());
      }
      if (change.id() != 0 && change.caller() == node) {
        acknowledged(change.id(), node);
      } else if (change.id() != 0 && over != null) {
        over.acknowledge(change, node);
      }
    }

    @Override
    public void loaded(long cache, long hash) {
      caches.getOrDefault(cache, Set.of()).forEach(each -> each.loaded(hash));
    }

    @Override
    public void acknowledged(long id, long by) {
      Acknowledgement expected = waiting.get(id);
      if (expected != null) {
        expected.by(by);
      }
    }

    @Override
    public void ended(Wire.Connection over) {
      end("the connection to the store ended");
    }

    void end(String why) {
      end(why, null);
    }

    void end(String why, @Nullable Throwable failure) {
      Wire.Connection last;
      synchronized (this) {
        if (ended) {
          return;
        }
        ended = true;
        last = connection;
      }
      boolean fenced = rules.fencesOnDisconnect() && lease.fence(part);
      if (fenced) {
        each(Coherence::fenced);
      }
      if (last != null && isClosed()) {
        last.leave(node);
      } else if (last != null) {
        last.close();
      }
      report(why, failure);
      retry();
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  /** Returns whether a registry is the one that it was. */
  private synchronized boolean seen(long registry, long now) {
    if (incarnation == registry) {
      return true;
    }
    incarnation = registry;
    incarnationSince = now;
    return false;
  }

  private void heard() {
    boolean again;
    synchronized (this) {
      pause = MIN_PAUSE_NANOS;
      again = failed;
      failed = false;
    }
    if (again) {
      log.info("{}: hears of changes, L1 is in use", name);
    }
  }

  private void report(String why, @Nullable Throwable failure) {
    boolean first;
    synchronized (this) {
      first = !failed && !closed;
      failed = true;
    }
    if (first) {
      String cause = failure == null ? "" : ": " + failure;
      log.warn("{}: {}, L1 is fenced{}", name, why, cause);
    }
  }

  /** Whether all who may hold a lease are in the registry of an incarnation. */
  private synchronized boolean isComplete(long registry) {
    // None at all is not the one that a node knows which has not been told of any yet.
    return registry != 0
        && registry == incarnation
        && platform.nanos() - incarnationSince > patience();
  }

  /** One lease, and what two clocks may differ over it. */
  private long patience() {
    return leaseNanos + leaseNanos / 100;
  }

  /** The wait of one call for the nodes. */
  public final class Acknowledgement {
    private final long id;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private final Set<Long> by = new HashSet<>();
    private @Nullable Map<Long, Long> registered;

    private Acknowledgement(long id) {
      this.id = id;
      done.whenComplete((all, failure) -> waiting.remove(id));
    }

    public long id() {
      return id;
    }

    /** Gives up: the change was not made, or nobody knows. */
    public void cancel() {
      done.cancel(false);
    }

    /**
     * Waits after the change was made.
     *
     * @param incarnation of the registry that was asked
     * @param nodes who was registered, each with the number of its last renewal
     * @param strikeOff is given those that did not answer while a lease passed
     */
    public CompletableFuture<Void> await(
        long incarnation, Map<Long, Long> nodes, Consumer<Map<Long, Long>> strikeOff) {
      if (isComplete(incarnation)) {
        synchronized (this) {
          registered = new HashMap<>(nodes);
        }
        check();
      }
      if (!done.isDone()) {
        platform.after(
            patience(),
            () -> {
              Map<Long, Long> silent = new HashMap<>(nodes);
              synchronized (this) {
                silent.keySet().removeAll(by);
              }
              if (done.complete(null) && !silent.isEmpty()) {
                strikeOff.accept(silent);
              }
            });
      }
      return done;
    }

    private void by(long node) {
      synchronized (this) {
        by.add(node);
      }
      check();
    }

    private void check() {
      boolean all;
      synchronized (this) {
        Map<Long, Long> nodes = registered;
        Collection<Long> missing = nodes == null ? null : nodes.keySet();
        all = missing != null && by.containsAll(missing);
      }
      if (all) {
        done.complete(null);
      }
    }
  }
}
