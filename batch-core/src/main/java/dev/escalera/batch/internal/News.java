package dev.escalera.batch.internal;

import dev.escalera.batch.WriteResult;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What observers are to be told: collected under the engine's lock, told outside of it. */
final class News<P> {
  /** A retry if there is no result. */
  private record Told<P>(Operation<P> operation, @Nullable WriteResult result) {
    void tell() {
      if (result == null) {
        operation.observer.retried();
      } else {
        operation.observer.settled(result);
      }
    }
  }

  private final Callbacks callbacks;
  private final Object ticket;
  private final List<Told<P>> own = new ArrayList<>();
  private final List<Told<P>> foreign = new ArrayList<>();

  /** Begins, before anyone can learn that something is settled. */
  News(Callbacks callbacks) {
    this.callbacks = callbacks;
    this.ticket = callbacks.announce();
  }

  void settled(Operation<P> operation, WriteResult result) {
    add(new Told<>(operation, result));
  }

  void retried(Operation<P> operation) {
    add(new Told<>(operation, null));
  }

  /** Tells all; code of the host's runs on a thread for callbacks. */
  void tell() {
    own.forEach(Told::tell);
    if (foreign.isEmpty()) {
      callbacks.withdraw(ticket);
    } else {
      callbacks.run(ticket, () -> foreign.forEach(Told::tell));
    }
  }

  private void add(Told<P> told) {
    (told.operation.observer.foreign() ? foreign : own).add(told);
  }
}
