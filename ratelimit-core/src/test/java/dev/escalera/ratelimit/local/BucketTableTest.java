package dev.escalera.ratelimit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import dev.escalera.ratelimit.internal.Figures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which buckets leave the table, and when. */
class BucketTableTest {
  /** One each 6 s. */
  private static final Figures FIGURES = Figures.of(Limit.of("a", 10, Duration.ofMinutes(1)));

  private final ManualClock clock = new ManualClock();
  private final Random random = new Random(20261124L);

  private BucketTable table(long maximum) {
    return new BucketTable(maximum, clock.process());
  }

  private void take(BucketTable table, String subject, long cost) {
    LocalBucket bucket = table.of(subject, FIGURES);
    synchronized (bucket) {
      bucket.set(bucket.look(FIGURES, clock.nanos() / 1_000).take(cost));
    }
  }

  @Test
  void a_bucket_goes_when_it_is_full_and_not_before() {
    BucketTable table = table(100);
    take(table, "one", 1);
    take(table, "two", 2);
    clock.advance(Duration.ofSeconds(6).minusNanos(1_000));
    table.sweep();
    assertThat(table.size()).isEqualTo(2);

    LocalBucket one = table.of("one", FIGURES);
    clock.advanceMicros(1);
    table.sweep();

    assertThat(table.find("one")).isNull();
    assertThat(table.find("two")).isNotNull();
    assertThat(one.isRetired()).isTrue();
  }

  @Test
  void decisions_have_full_buckets_swept_out() {
    BucketTable table = table(100);
    take(table, "full", 1);
    take(table, "empty", 10);
    clock.advance(Duration.ofSeconds(6));

    table.sweepIfDue(clock.nanos());

    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (table.size() > 1) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(deadline);
      Thread.onSpinWait();
    }
    assertThat(table.find("empty")).isNotNull();
  }

  @Test
  void where_there_are_too_many_the_empty_ones_stay() {
    BucketTable table = table(100);
    List<String> empty = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      empty.add(randomSubject());
      take(table, empty.get(i), 10);
    }
    for (int i = 0; i < 10_000; i++) {
      take(table, randomSubject(), 1);
      assertThat(table.size()).isLessThanOrEqualTo(100);
    }
    assertThat(empty).allSatisfy(subject -> assertThat(table.find(subject)).isNotNull());
  }

  private String randomSubject() {
    return Long.toHexString(random.nextLong());
  }
}
