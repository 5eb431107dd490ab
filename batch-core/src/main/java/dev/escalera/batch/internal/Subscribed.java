package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What a publisher yields, requested as it is read: two batches ahead at most. */
final class Subscribed<T> implements Source<T>, Flow.Subscriber<T> {
  private final int batch;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<T> buffer = new ArrayDeque<>();
  private Flow.@Nullable Subscription subscription;
  private long requested;
  private int readSinceRequest;
  private boolean ended;
  private @Nullable Throwable failure;

  Subscribed(int batch) {
    this.batch = batch;
  }

  @Override
  public void onSubscribe(Flow.Subscription newSubscription) {
    Objects.requireNonNull(newSubscription, "subscription");
    boolean wanted;
    lock.lock();
    try {
      wanted = subscription == null && !ended;
      if (wanted) {
        subscription = newSubscription;
        requested = 2L * batch;
      }
    } finally {
      lock.unlock();
    }
    if (wanted) {
      newSubscription.request(2L * batch);
    } else {
      newSubscription.cancel();
    }
  }

  @Override
  public void onNext(T item) {
    Objects.requireNonNull(item, "item");
    lock.lock();
    try {
      if (ended) {
        return;
      }
      if (requested == 0) {
        end(new IllegalStateException("the publisher yielded more than was requested"));
        return;
      }
      requested--;
      buffer.add(item);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onError(Throwable error) {
    lock.lock();
    try {
      end(Objects.requireNonNull(error, "error"));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onComplete() {
    lock.lock();
    try {
      end(null);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean hasNext() {
    lock.lock();
    try {
      while (buffer.isEmpty() && !ended) {
        changed.await();
      }
      if (!buffer.isEmpty()) {
        return true;
      }
      if (failure != null) {
        throw failure instanceof RuntimeException known
            ? known
            : new BatchException(String.valueOf(failure.getMessage()), failure);
      }
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted while waiting for the publisher", e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public T next() {
    Flow.Subscription more = null;
    T next;
    lock.lock();
    try {
      next = buffer.remove();
      if (++readSinceRequest == batch) {
        readSinceRequest = 0;
        requested += batch;
        more = subscription;
      }
    } finally {
      lock.unlock();
    }
    if (more != null) {
      more.request(batch);
    }
    return next;
  }

  @Override
  public void cancel() {
    Flow.Subscription cancelled;
    lock.lock();
    try {
      buffer.clear();
      end(null);
      cancelled = subscription;
    } finally {
      lock.unlock();
    }
    if (cancelled != null) {
      cancelled.cancel();
    }
  }

  private void end(@Nullable Throwable cause) {
    if (!ended) {
      ended = true;
      failure = cause;
      changed.signalAll();
    }
  }
}
