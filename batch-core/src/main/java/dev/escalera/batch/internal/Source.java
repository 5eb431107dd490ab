package dev.escalera.batch.internal;

import java.util.Iterator;
import java.util.concurrent.Flow;

/** What a run reads, by one thread. */
interface Source<T> {
  /** Waits until there is another one or none any more. */
  boolean hasNext();

  T next();

  /** Makes those who wait for more give up; called by any thread. */
  void cancel();

  static <T> Source<T> of(Iterator<? extends T> iterator) {
    return new Source<>() {
      @Override
      public boolean hasNext() {
        return iterator.hasNext();
      }

      @Override
      public T next() {
        return iterator.next();
      }

      @Override
      public void cancel() {
        // An iterator is asked no more; nothing wakes one that waits.
      }
    };
  }

  static <T> Source<T> of(Flow.Publisher<? extends T> publisher, int batch) {
    Subscribed<T> source = new Subscribed<>(batch);
    publisher.subscribe(source);
    return source;
  }
}
