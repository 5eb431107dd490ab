package dev.escalera.sharding.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.sharding.Distribution;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TrafficTest {
  @Test
  void keys_that_come_often_are_found_among_many() {
    HotKeys hot = new HotKeys(false);
    Random random = new Random(5);
    Map<String, Integer> exact = new HashMap<>();
    int total = 60_000;
    for (int i = 0; i < total; i++) {
      // Zipf about: key n comes half as often as key n / 2.
      String key = "u" + (int) Math.pow(2, random.nextDouble() * 16);
      exact.merge(key, 1, Integer::sum);
      hot.add(key);
    }
    List<Distribution.HotKey> top = hot.top();
    assertThat(top.get(0).key()).isEqualTo("u1");
    for (Distribution.HotKey key : top) {
      double share = exact.getOrDefault(key.key(), 0) / (double) total;
      assertThat(key.share()).isBetween(share, share + key.error() + 1e-9);
      assertThat(key.error()).isLessThanOrEqualTo(1.0 / 128);
    }
  }

  @Test
  void what_was_hot_once_does_not_stay() {
    HotKeys hot = new HotKeys(false);
    for (int i = 0; i < 90_000; i++) {
      hot.add("once");
    }
    for (int i = 0; i < 400_000; i++) {
      hot.add("now" + i % 3);
    }
    assertThat(hot.top().stream().limit(3).map(Distribution.HotKey::key))
        .containsExactlyInAnyOrder("now0", "now1", "now2");
  }

  @Test
  void a_rate_is_that_of_the_last_minute() {
    AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5_000_000_000L);
    Rate rate = new Rate(now::get);
    assertThat(rate.perSecond()).isZero();
    for (int second = 0; second < 30; second++) {
      for (int i = 0; i < 20; i++) {
        rate.add();
      }
      now.addAndGet(1_000_000_000L);
    }
    assertThat(rate.perSecond()).isBetween(19.9, 20.1);
    now.addAndGet(60_000_000_000L);
    assertThat(rate.perSecond()).isLessThan(5);
    now.addAndGet(60_000_000_000L);
    assertThat(rate.perSecond()).isZero();
  }
}
