package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
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
  private final Lease lease = new Lease(Platform.system(System::nanoTime));
  private final Queue<Runnable> late = new ConcurrentLinkedQueue<>();
  volatile boolean holds;
  private volatile boolean lost;

  /** Whether messages of changes are kept back. */
  volatile boolean tellsLate;

  /** Whether another node loads, whatever the key. */
  volatile boolean isBusy;

  volatile boolean tellsLoads = true;

  volatile int readsAtOnce = 100;

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

  /** Fails all calls from now on, and tells nothing. */
  void cutOff() {
    lost = true;
    lease.fence();
    Coherence listener = coherence;
    if (listener != null) {
      listener.fenced();
    }
  }

  /** Answers again, as what it was or as another. */
  void comeBack(boolean resumed) {
    lost = false;
    lease.open(lease.never());
    Coherence listener = coherence;
    if (listener != null) {
      listener.opened(resumed);
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
    if (lost) {
      one.lose();
    } else if (holds) {
      held.add(one);
    } else {
      one.answer();
    }
    return one.reply;
  }

  @Override
  public Lease lease() {
    return lease;
  }

  @Override
  public int readsAtOnce() {
    return readsAtOnce;
  }

  @Override
  public CompletableFuture<List<@Nullable Found>> read(List<Address> addresses) {
    return call(
        () -> {
          List<@Nullable Found> found = new ArrayList<>();
          addresses.forEach(address -> found.add(found(address)));
          return found;
        });
  }

  private @Nullable Found found(Address address) {
    byte[] value = values.get(address.text());
    return value == null ? null : new Found(value, 0, 0);
  }

  @Override
  public CompletableFuture<Claim> claim(Address address, long nonce, long unwanted, boolean alone) {
    return call(
        () -> {
          if (isBusy) {
            return new Claim.Busy(claimLife());
          }
          Found found = found(address);
          if (found != null && unwanted != -1 && Envelope.nonce(found.envelope()) != unwanted) {
            return new Claim.Present(found);
          }
          versions.put(address.text(), nonce);
          return new Claim.Granted(nonce);
        });
  }

  @Override
  public boolean tellsLoads() {
    return tellsLoads;
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Claim claim, byte[] envelope, Duration life) {
    return call(
        () -> {
          Object version = Objects.requireNonNull(claim.version());
          boolean stands = version.equals(versions.get(address.text()));
          if (stands) {
            values.put(address.text(), envelope);
          }
          return stands;
        });
  }

  @Override
  public void release(Address address, Claim claim) {}

  @Override
  public void extend(Address address, Claim claim) {}

  @Override
  public Duration claimLife() {
    return Duration.ofMinutes(1);
  }

  @Override
  public CompletableFuture<Applied> put(
      Address address,
      byte[] envelope,
      Duration life,
      long nonce,
      long giveUp,
      boolean acknowledge) {
    return call(
        () -> {
          values.put(address.text(), envelope);
          tell(address, nonce);
          return Applied.ALONE;
        });
  }

  @Override
  public CompletableFuture<Applied> invalidate(Address address, long nonce, boolean acknowledge) {
    return call(
        () -> {
          values.remove(address.text());
          tell(address, nonce);
          return Applied.ALONE;
        });
  }

  @Override
  public CompletableFuture<List<Long>> tags(List<Address> tags) {
    return call(
        () -> tags.stream().map(tag -> versions.computeIfAbsent(tag.text(), none -> 1L)).toList());
  }

  @Override
  public CompletableFuture<Applied> invalidateTag(Address tag, long nonce, boolean acknowledge) {
    return call(
        () -> {
          tell(tag, nonce);
          return Applied.ALONE;
        });
  }

  @Override
  public CompletableFuture<Void> barrier() {
    return call(() -> null);
  }

  /** Delivers the messages of changes that have been kept back. */
  void tellAll() {
    for (Runnable message = late.poll(); message != null; message = late.poll()) {
      message.run();
    }
  }

  /** Carries out and answers what is held. */
  void answerAll() {
    for (Held<?> each = held.poll(); each != null; each = held.poll()) {
      each.answer();
    }
  }

  private void tell(Address address, long nonce) {
    versions.put(address.text(), nonce);
    Coherence listener = coherence;
    if (listener != null) {
      late.add(() -> listener.changed(address.hash(), nonce));
    }
    if (!tellsLate) {
      tellAll();
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
    lease.open(lease.never());
    listener.opened(true);
  }

  @Override
  public void close() {}
}
