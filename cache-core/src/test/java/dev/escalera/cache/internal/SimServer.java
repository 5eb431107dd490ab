package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the scripts do, in one place and one step each, as Redis does it. */
final class SimServer {
  private final SimWorld world;
  private final SimMutant mutant;
  private State state = new State();
  private final List<State> past = new ArrayList<>();
  private final Set<SimLine> lines = new LinkedHashSet<>();
  private long run = 1;
  boolean up = true;

  /** All that a replica has a copy of. */
  private static final class State {
    final Map<String, Value> values = new HashMap<>();
    final Map<String, Held> claims = new HashMap<>();
    final Map<String, Long> counters = new HashMap<>();
    final Map<String, Long> tags = new HashMap<>();
    final Map<Long, Long> nodes = new HashMap<>();
    long incarnation;
    long of;
    long sequence;
    long at;

    State copy() {
      State copy = new State();
      copy.values.putAll(values);
      copy.claims.putAll(claims);
      copy.counters.putAll(counters);
      copy.tags.putAll(tags);
      copy.nodes.putAll(nodes);
      copy.incarnation = incarnation;
      copy.of = of;
      copy.sequence = sequence;
      return copy;
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Value(byte[] bytes, long until) {}

  private record Held(long nonce, long until, boolean waited) {}

  /** The reply to a change: null incarnation where it is of no use. */
  record Changed(long incarnation, Map<Long, Long> nodes) {}

  SimServer(SimWorld world, SimMutant mutant) {
    this.world = world;
    this.mutant = mutant;
  }

  long millis() {
    return world.now() / SimWorld.MILLI + 1_000_000;
  }

  @Nullable Found read(Address key) {
    Value value = value(key);
    return value == null ? null : new Found(value.bytes, Envelope.created(value.bytes), 0);
  }

  private @Nullable Value value(Address key) {
    Value value = state.values.get(key.text());
    return value == null || value.until <= world.now() ? null : value;
  }

  private @Nullable Held claimOf(Address key) {
    Held held = state.claims.get(key.text());
    return held == null || held.until <= world.now() ? null : held;
  }

  Claim claim(Address key, long nonce, long unwanted, boolean alone, long life, Object line) {
    Found found = read(key);
    if (found != null && unwanted != -1 && Envelope.nonce(found.envelope()) != unwanted) {
      return new Claim.Present(found);
    }
    Held held = claimOf(key);
    if (alone && held != null) {
      state.claims.put(key.text(), new Held(held.nonce, held.until, true));
      return new Claim.Busy(java.time.Duration.ofNanos(held.until - world.now()));
    }
    long version =
        mutant == SimMutant.COUNTER_INSTEAD_OF_NONCE
            ? state.counters.merge(key.text(), 1L, Long::sum)
            : nonce;
    state.claims.put(key.text(), new Held(version, world.now() + life, false));
    return new Claim.Granted(new Version(version, line));
  }

  record Version(long nonce, Object line) {}

  boolean fill(Address key, long nonce, byte[] envelope, long life, long cache) {
    Held held = claimOf(key);
    boolean stands = held != null && held.nonce == nonce;
    if (!stands && mutant != SimMutant.ZOMBIE_ACCEPTED) {
      return false;
    }
    state.claims.remove(key.text());
    state.values.put(key.text(), new Value(envelope, world.now() + life));
    if (held != null && held.waited) {
      publish(line -> line.loaded(cache, key.hash()));
    }
    return true;
  }

  void release(Address key, long nonce, long cache) {
    Held held = claimOf(key);
    if (held != null && held.nonce == nonce) {
      state.claims.remove(key.text());
      if (held.waited) {
        publish(line -> line.loaded(cache, key.hash()));
      }
    }
  }

  void extend(Address key, long nonce, long life) {
    Held held = claimOf(key);
    if (held != null && held.nonce == nonce) {
      state.claims.put(key.text(), new Held(nonce, world.now() + life, held.waited));
    }
  }

  /** Returns null past the deadline. */
  @Nullable Changed change(
      long cache,
      Address key,
      long nonce,
      long id,
      long caller,
      long deadlineMillis,
      byte @Nullable [] envelope,
      long life) {
    if (deadlineMillis != 0 && millis() > deadlineMillis) {
      return null;
    }
    if (envelope == null) {
      state.values.remove(key.text());
    } else {
      state.values.put(key.text(), new Value(envelope, world.now() + life));
    }
    state.claims.remove(key.text());
    return tell(cache, key.hash(), nonce, id, caller);
  }

  Changed changeTag(long cache, Address tag, long nonce, long id, long caller) {
    state.tags.put(tag.text(), nonce);
    return tell(cache, tag.hash(), nonce, id, caller);
  }

  private Changed tell(long cache, long hash, long nonce, long id, long caller) {
    long sequence = ++state.sequence;
    Wire.Change change = new Wire.Change(sequence, cache, hash, nonce, id, caller);
    if (state.incarnation != 0) {
      publish(line -> line.changed(change));
    }
    remember();
    boolean ours = state.of == run;
    return new Changed(ours ? state.incarnation : 0, Map.copyOf(state.nodes));
  }

  long tag(Address tag, long fresh) {
    return state.tags.computeIfAbsent(tag.text(), same -> fresh);
  }

  Wire.Renewal renew(long node, long number, long fresh) {
    if (state.incarnation == 0 || state.of != run) {
      state.nodes.clear();
      state.sequence = 0;
      state.incarnation = fresh;
      state.of = run;
    }
    if (number != 0) {
      state.nodes.put(node, number);
      remember();
    }
    return new Wire.Renewal(state.incarnation, state.sequence, millis());
  }

  void strike(Map<Long, Long> silent) {
    silent.forEach((node, number) -> state.nodes.remove(node, number));
  }

  void acknowledge(long id, long node, long caller) {
    publish(
        line -> {
          if (line.node == caller) {
            line.acknowledged(id, node);
          }
        });
  }

  private void publish(java.util.function.Consumer<SimLine> message) {
    for (SimLine line : List.copyOf(lines)) {
      if (line.subscribed == state.incarnation && line.subscribed != 0) {
        message.accept(line);
      }
    }
  }

  private void remember() {
    State copy = state.copy();
    copy.at = world.now();
    past.add(copy);
    if (past.size() > 50) {
      past.remove(0);
    }
  }

  void attach(SimLine line) {
    lines.add(line);
  }

  void detach(SimLine line) {
    lines.remove(line);
  }

  /** Everything is gone, and nobody is told. */
  void flush() {
    state = new State();
    past.clear();
  }

  /** Another process without the data of this one. */
  void restart() {
    flush();
    run++;
    breakAll();
  }

  /** A replica takes over that had not received the last changes; returns how old it is. */
  long failover() {
    long behind = world.now();
    if (!past.isEmpty()) {
      int lost = world.random.nextInt(Math.min(4, past.size()));
      State replica = past.get(past.size() - 1 - lost);
      behind = lost == 0 ? world.now() : replica.at;
      state = replica.copy();
      past.clear();
    }
    run++;
    breakAll();
    return behind;
  }

  void breakAll() {
    List.copyOf(lines).forEach(SimLine::cut);
  }

  List<SimLine> lines() {
    return List.copyOf(lines);
  }

  /** A step of the server, if it is up. */
  <T> @Nullable T step(Supplier<T> work) {
    return up ? work.get() : null;
  }
}
