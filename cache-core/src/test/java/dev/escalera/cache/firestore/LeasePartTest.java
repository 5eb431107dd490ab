package dev.escalera.cache.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.Timestamp;
import dev.escalera.cache.ManualTicker;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeasePartTest {
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ManualTicker ticker = new ManualTicker();
  private final Platform platform = Platform.system(ticker::nanos);
  private final Lease lease = new Lease(platform, 2);
  private final Told told = new Told();
  private final LeasePart one = new LeasePart(lease, 0, LEASE.toNanos(), platform, told);
  private final LeasePart two = new LeasePart(lease, 1, LEASE.toNanos(), platform, told);

  /** Counts what a cache is told of its lease. */
  static final class Told implements Coherence {
    int opened;
    int fenced;

    @Override
    public void changed(long hash, long nonce) {}

    @Override
    public void loaded(long hash) {}

    @Override
    public void fenced() {
      fenced++;
    }

    @Override
    public void opened(boolean resumed) {
      opened++;
    }
  }

  private static Timestamp at(long seconds) {
    return Timestamp.ofTimeSecondsAndNanos(1_000 + seconds, 0);
  }

  private boolean holds() {
    return lease.holds(ticker.nanos());
  }

  private void read(long sent, long at) {
    one.read(sent, at(at));
    two.read(sent, at(at));
  }

  private void heard(long at) {
    one.heard(at(at));
    two.heard(at(at));
  }

  @Test
  void a_lease_runs_from_when_the_read_was_sent_that_a_heartbeat_proves() {
    long sent = ticker.nanos();
    ticker.advance(SECOND);
    read(sent, 10);
    ticker.advance(SECOND);
    assertThat(holds()).isFalse();
    heard(10);
    assertThat(holds()).isTrue();
    ticker.advance(LEASE.minus(SECOND.multipliedBy(2)).minusNanos(1));
    assertThat(holds()).isTrue();
    ticker.advance(Duration.ofNanos(1));
    assertThat(holds()).isFalse();
  }

  @Test
  void a_heartbeat_from_before_the_read_proves_nothing() {
    read(ticker.nanos(), 10);
    one.heard(Timestamp.ofTimeSecondsAndNanos(1_009, 999_999_999));
    two.heard(at(10));
    assertThat(holds()).isFalse();
    one.heard(at(11));
    assertThat(holds()).isTrue();
  }

  @Test
  void a_heartbeat_may_come_before_the_reply_to_the_read_that_it_proves() {
    long sent = ticker.nanos();
    heard(11);
    assertThat(holds()).isFalse();
    read(sent, 10);
    assertThat(holds()).isTrue();
  }

  @Test
  void a_heartbeat_that_is_slow_proves_the_reads_before_it_though_there_are_later_ones() {
    long first = ticker.nanos();
    read(first, 10);
    ticker.advance(SECOND);
    read(ticker.nanos(), 11);
    heard(10);
    ticker.advance(LEASE.minus(SECOND).minusNanos(1));
    assertThat(holds()).isTrue();
    ticker.advance(Duration.ofNanos(1));
    assertThat(holds()).as("the later read is not proven").isFalse();
  }

  @Test
  void the_lease_holds_while_every_stripe_is_proven() {
    read(ticker.nanos(), 10);
    one.heard(at(10));
    assertThat(holds()).isFalse();
    two.heard(at(10));
    assertThat(holds()).isTrue();
    ticker.advance(SECOND.multipliedBy(3));
    read(ticker.nanos(), 13);
    two.heard(at(14));
    ticker.advance(SECOND.multipliedBy(2));
    assertThat(holds()).as("the other stripe is silent").isFalse();
    one.heard(at(14));
    assertThat(holds()).isTrue();
  }

  @Test
  void a_reply_that_is_late_does_not_shorten_the_lease() {
    long late = ticker.nanos();
    ticker.advance(SECOND);
    read(ticker.nanos(), 11);
    heard(12);
    read(late, 10);
    ticker.advance(LEASE.minusNanos(1));
    assertThat(holds()).isTrue();
  }

  @Test
  void a_lease_that_lapsed_goes_on_in_its_generation() {
    read(ticker.nanos(), 10);
    heard(10);
    ticker.advance(LEASE.multipliedBy(2));
    assertThat(holds()).isFalse();
    read(ticker.nanos(), 20);
    heard(20);
    assertThat(holds()).isTrue();
    assertThat(told.fenced).isZero();
    assertThat(told.opened).as("once a stripe").isEqualTo(2);
  }

  @Test
  void what_was_heard_before_a_fence_proves_nothing_after_it() {
    read(ticker.nanos(), 10);
    heard(12);
    one.fence();
    assertThat(told.fenced).isEqualTo(1);
    read(ticker.nanos(), 11);
    assertThat(holds()).isFalse();
    one.heard(at(12));
    assertThat(holds()).isTrue();
    assertThat(told.opened).isEqualTo(3);
  }
}
