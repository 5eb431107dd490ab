package dev.escalera.sharding;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** All documents of a query, from the start for each subscriber, as fast as it asks for them. */
final class QueryPublisher implements Flow.Publisher<Document> {
  private final ShardRouter router;
  private final ShardQuery query;

  QueryPublisher(ShardRouter router, ShardQuery query) {
    this.router = router;
    this.query = query;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Document> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    Paging paging = new Paging(subscriber);
    subscriber.onSubscribe(paging);
    paging.isStarted = true;
    paging.drain();
  }

  /** One subscription. Signals are given by one thread at a time, whoever drains. */
  private final class Paging implements Flow.Subscription {
    private final Flow.Subscriber<? super Document> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger draining = new AtomicInteger();

    /** What of the page at hand is not given yet; for the one who drains. */
    private final Deque<Document> page = new ArrayDeque<>();

    private @Nullable ShardQuery next = query;
    private boolean isAsked;
    private boolean isEnded;

    private volatile @Nullable Page answer;
    private volatile @Nullable Throwable failure;
    private volatile boolean isStarted;
    private volatile boolean isCancelled;

    Paging(Flow.Subscriber<? super Document> subscriber) {
      this.subscriber = subscriber;
    }

    @Override
    public void request(long more) {
      if (more <= 0) {
        failure = new IllegalArgumentException("request of " + more + ", expected at least 1");
      } else {
        demand.accumulateAndGet(more, (had, add) -> had + add < 0 ? Long.MAX_VALUE : had + add);
      }
      drain();
    }

    @Override
    public void cancel() {
      isCancelled = true;
    }

    void drain() {
      if (!isStarted || draining.getAndIncrement() > 0) {
        return;
      }
      int seen = 1;
      while (seen != 0) {
        step();
        seen = draining.addAndGet(-seen);
      }
    }

    private void step() {
      while (!isEnded && !isCancelled) {
        Throwable failed = failure;
        if (failed != null) {
          isEnded = true;
          subscriber.onError(failed);
          return;
        }
        take();
        Document document = demand.get() > 0 ? page.poll() : null;
        if (document != null) {
          demand.decrementAndGet();
          subscriber.onNext(document);
        } else if (page.isEmpty() && next == null && !isAsked) {
          isEnded = true;
          subscriber.onComplete();
        } else {
          ask();
          return;
        }
      }
    }

    /** Takes the page that has come, if one has. */
    private void take() {
      Page read = answer;
      if (read != null && page.isEmpty()) {
        answer = null;
        isAsked = false;
        page.addAll(read.items());
        next = read.next().map(query::after).orElse(null);
      }
    }

    private void ask() {
      ShardQuery asked = next;
      if (isAsked || asked == null || !page.isEmpty() || demand.get() == 0) {
        return;
      }
      isAsked = true;
      next = null;
      router
          .queryAsync(asked)
          .whenComplete(
              (read, failed) -> {
                answer = read;
                failure = failed;
                drain();
              });
    }
  }
}
