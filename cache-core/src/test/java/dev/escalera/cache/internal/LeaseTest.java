package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.ManualTicker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeaseTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ManualTicker ticker = new ManualTicker();
  private final Platform platform = Platform.system(ticker::nanos);

  private long inSeconds(long seconds) {
    return platform.nanos() + SECOND.multipliedBy(seconds).toNanos();
  }

  private static void assertFenced(Lease lease, long seconds) {
    for (int i = 0; i < 2; i++) {
      assertThat(Duration.ofNanos(lease.fencedNanos())).isEqualTo(SECOND.multipliedBy(seconds));
    }
  }

  @Test
  void the_time_before_the_first_lease_and_between_leases_is_counted() {
    Lease lease = new Lease(platform);
    ticker.advance(SECOND);
    assertFenced(lease, 1);
    lease.open(lease.never());
    ticker.advance(SECOND);
    assertFenced(lease, 1);
    lease.fence();
    ticker.advance(SECOND);
    lease.fence();
    ticker.advance(SECOND);
    assertFenced(lease, 3);
    lease.open(lease.never());
    ticker.advance(SECOND);
    assertFenced(lease, 3);
  }

  @Test
  void the_time_of_a_lease_that_has_lapsed_is_counted_though_it_is_not_fenced() {
    Lease lease = new Lease(platform);
    long generation = lease.open(inSeconds(1));
    ticker.advance(SECOND.multipliedBy(10));
    assertThat(lease.holds(platform.nanos())).isFalse();
    assertThat(lease.isFenced()).isFalse();
    assertFenced(lease, 9);
    lease.renew(0, generation, inSeconds(1));
    ticker.advance(SECOND.multipliedBy(3));
    assertFenced(lease, 11);
    lease.fence();
    ticker.advance(SECOND);
    assertFenced(lease, 12);
  }

  @Test
  void a_renewal_that_comes_too_late_to_hold_counts_nothing_twice() {
    Lease lease = new Lease(platform);
    long generation = lease.open(inSeconds(1));
    ticker.advance(SECOND.multipliedBy(3));
    assertFenced(lease, 2);
    lease.renew(0, generation, inSeconds(-1));
    ticker.advance(SECOND);
    assertFenced(lease, 3);
  }

  @Test
  void the_time_in_which_one_of_several_parts_has_lapsed_is_counted_once() {
    Lease lease = new Lease(platform, 2);
    long first = lease.open(0, inSeconds(1));
    long second = lease.open(1, inSeconds(1));
    for (int i = 0; i < 9; i++) {
      ticker.advance(SECOND);
      lease.renew(0, first, inSeconds(1));
    }
    assertFenced(lease, 8);
    lease.renew(1, second, inSeconds(1));
    assertThat(lease.holds(platform.nanos())).isTrue();
    assertFenced(lease, 8);
  }
}
