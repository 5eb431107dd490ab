package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A store in memory whose calls a test carries out and answers one by one, in any order. */
final class HeldStore implements Store {
  private final Map<String, byte[]> values = new HashMap<>();
  private final Map<String, Long> versions = new HashMap<>();
  private final BlockingQueue<Held<?>> held = new LinkedBlockingQueue<>();
  private @Nullable Coherence coherence;
  volatile boolean holds;

  /** A call on its way. */
  static final class Held<T> {
    private final Supplier<T> call;
    private final CompletableFuture<T> reply = new CompletableFuture<>();
    private @Nullable Supplier<T> result;

    Held(Supplier<T> call) {
      this.call = call;
    }

    void carryOut() {
      T value = call.get();
      result = () -> value;
    }

    void answer() {
      if (result == null) {
        carryOut();
      }
      Supplier<T> known = result;
      if (known != null) {
        reply.complete(known.get());
      }
    }

    void lose() {
      reply.completeExceptionally(new IllegalStateException("lost"));
    }
  }

  Held<?> next() throws InterruptedException {
    Held<?> next = held.poll(20, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no call came");
    }
    return next;
  }

  private <T> CompletableFuture<T> call(Supplier<T> call) {
    Held<T> one = new Held<>(call);
    if (holds) {
      held.add(one);
    } else {
      one.answer();
    }
    return one.reply;
  }

  @Override
  public CompletableFuture<Found> read(Address address, Mode mode) {
    return call(
        () -> {
          byte[] value = values.get(address.text());
          if (value != null && mode != Mode.CLAIM) {
            return Found.value(value, Duration.ofMinutes(1));
          }
          return mode == Mode.PEEK
              ? Found.nothing()
              : Found.version(versions.computeIfAbsent(address.text(), text -> Nonces.next()));
        });
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Object version, byte[] envelope, Duration ttl) {
    return call(
        () -> {
          boolean stands = version.equals(versions.get(address.text()));
          if (stands) {
            values.put(address.text(), envelope);
          }
          return stands;
        });
  }

  @Override
  @SuppressWarnings("NullAway") // a Void is null
  public CompletableFuture<Void> put(Address address, byte[] envelope, Duration ttl, long nonce) {
    return call(
        () -> {
          values.put(address.text(), envelope);
          tell(address, nonce);
          return null;
        });
  }

  @Override
  @SuppressWarnings("NullAway") // a Void is null
  public CompletableFuture<Void> invalidate(Address address, long nonce) {
    return call(
        () -> {
          values.remove(address.text());
          tell(address, nonce);
          return null;
        });
  }

  private void tell(Address address, long nonce) {
    versions.put(address.text(), nonce);
    Coherence listener = coherence;
    if (listener != null) {
      listener.changed(address.hash(), nonce);
    }
  }

  @Override
  public int maxBytes() {
    return 1_000;
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public void start(Coherence listener) {
    coherence = listener;
    listener.coherent();
  }

  @Override
  public void close() {}
}
