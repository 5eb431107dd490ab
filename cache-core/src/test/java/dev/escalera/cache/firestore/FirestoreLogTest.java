package dev.escalera.cache.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import dev.escalera.cache.Await;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A listener behind a proxy, and heartbeats that go past it: what the lease makes of a silence that
 * the client does not tell of.
 */
@WithFirestore
class FirestoreLogTest {
  private static final Duration LEASE = Duration.ofSeconds(1);

  private final Firestore direct;
  private final FaultProxy proxy;
  private final Firestore proxied;
  private final String name = "cache-" + UUID.randomUUID();
  private final FirestoreLayout layout;
  private final Platform platform = Platform.system(System::nanoTime);
  private final Lease lease = new Lease(platform, FirestoreLayout.STRIPES);
  private final Told told = new Told();
  private @Nullable FirestoreLog log;

  private static final class Told implements Coherence {
    final Set<Long> changed = ConcurrentHashMap.newKeySet();
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger fenced = new AtomicInteger();
    final AtomicInteger reads = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();

    @Override
    public void changed(long hash, long nonce) {
      changed.add(nonce);
    }

    @Override
    public void loaded(long hash) {}

    @Override
    public void fenced() {
      fenced.incrementAndGet();
    }

    @Override
    public void opened(boolean resumed) {
      opened.incrementAndGet();
    }

    @Override
    public void spent(int reads, int writes) {
      this.reads.addAndGet(reads);
      this.writes.addAndGet(writes);
    }
  }

  FirestoreLogTest(FirestoreEmulator emulator, Firestore firestore) {
    this.direct = firestore;
    this.layout = new FirestoreLayout(firestore, name);
    this.proxy = FaultProxy.to(emulator);
    this.proxied = emulator.openClient(firestore.getOptions().getProjectId(), proxy);
  }

  @AfterEach
  void close_all() {
    if (log != null) {
      log.close();
    }
    proxied.shutdownNow();
    proxy.close();
  }

  private void listen(Windows windows) {
    listen(windows, heartbeats(LEASE));
    Await.until("the lease holds", this::holds);
  }

  private void listen(Windows windows, Heartbeats heartbeats) {
    FirestoreLog listening =
        new FirestoreLog(
            lease,
            new FirestoreLayout(proxied, name).stripes(),
            windows,
            heartbeats,
            name,
            LEASE,
            platform);
    log = listening;
    listening.start(told);
  }

  private Heartbeats heartbeats(Duration lease) {
    return new Heartbeats(direct, layout.stripes(), name, lease, platform);
  }

  private boolean holds() {
    return lease.holds(platform.nanos());
  }

  /** Writes a change of each stripe past the proxy; returns the nonces. */
  private Set<Long> change() throws Exception {
    Set<Long> nonces = ConcurrentHashMap.newKeySet();
    for (CollectionReference stripe : layout.stripes()) {
      long nonce = platform.nonce();
      nonces.add(nonce);
      create(stripe.document(Long.toHexString(nonce)), LogStripe.fields(nonce, nonce));
    }
    return nonces;
  }

  /**
   * The emulator says of a commit that stands that it failed, if a listener that it tells of it
   * goes meanwhile.
   */
  private static void create(DocumentReference document, Map<String, Object> fields)
      throws Exception {
    try {
      document.create(fields).get();
    } catch (ExecutionException e) {
      if (FirestoreLink.status(Objects.requireNonNullElse(e.getCause(), e))
          != Status.Code.UNKNOWN) {
        throw e;
      }
      assertThat(document.get().get().exists()).as("it stands, for all of " + e).isTrue();
    }
  }

  @Test
  void a_listener_that_is_silent_ends_the_lease_though_reads_and_heartbeats_go_on()
      throws Exception {
    listen(Windows.DEFAULT);
    proxy.freeze();
    long frozen = platform.nanos();
    Set<Long> missed = change();
    int reads = told.reads.get();
    Await.until("the lease lapses", () -> !holds());
    assertThat(platform.nanos() - frozen).isLessThan(LEASE.toNanos() * 3 / 2);
    Await.until("heartbeats go on", () -> told.reads.get() > reads + 8);
    assertThat(holds()).isFalse();
    assertThat(told.changed).doesNotContainAnyElementsOf(missed);
    proxy.heal();
    Await.until("it goes on", this::holds);
    assertThat(told.changed).as("told before the lease holds").containsAll(missed);
    assertThat(told.fenced).as("nothing was missed").hasValue(0);
    assertThat(told.opened).hasValue(FirestoreLayout.STRIPES);
  }

  @Test
  void a_listener_that_the_client_connects_again_in_silence_catches_up_before_the_lease_holds()
      throws Exception {
    listen(Windows.DEFAULT);
    for (int round = 0; round < 2; round++) {
      proxy.refuse();
      proxy.reset();
      Set<Long> missed = change();
      Await.until("the lease lapses", () -> !holds());
      proxy.heal();
      Await.until("it goes on", this::holds);
      assertThat(told.changed).containsAll(missed);
    }
  }

  @Test
  void after_a_silence_in_which_changes_may_have_gone_from_the_log_a_generation_begins()
      throws Exception {
    Duration minute = Duration.ofMinutes(1);
    listen(new Windows(minute.multipliedBy(5), minute, LEASE.multipliedBy(3), minute));
    proxy.refuse();
    proxy.reset();
    int reads = told.reads.get();
    Await.until("four leases have passed", () -> told.reads.get() > reads + 17);
    assertThat(told.fenced).hasValue(0);
    proxy.heal();
    Await.until("it goes on", this::holds);
    assertThat(told.fenced).hasPositiveValue();
  }

  @Test
  void a_listener_that_takes_over_misses_no_change_and_no_renewal() throws Exception {
    Duration second = Duration.ofSeconds(1);
    listen(
        new Windows(second.multipliedBy(2), second, Duration.ofMinutes(1), Duration.ofMinutes(1)));
    Set<Long> all = ConcurrentHashMap.newKeySet();
    int reads = told.reads.get();
    while (told.reads.get() < reads + 20) {
      all.addAll(change());
      assertThat(holds()).isTrue();
    }
    Await.until("all is told", () -> told.changed.containsAll(all));
    assertThat(told.fenced).hasValue(0);
  }

  @Test
  void a_window_that_does_not_overlap_enough_with_what_was_heard_begins_a_generation() {
    Duration second = Duration.ofSeconds(1);
    Duration minute = Duration.ofMinutes(1);
    // More than there can be, so that each of them begins too late.
    listen(new Windows(second, second.multipliedBy(3), minute, minute));
    Await.until("a generation ended", () -> told.fenced.get() > 0);
    Await.until("another is open", this::holds);
  }

  @Test
  void a_node_that_cannot_listen_writes_a_few_heartbeats_and_leaves_the_rest_to_the_leader() {
    // Of so long a lease that nobody takes over.
    try (Heartbeats leader = heartbeats(Duration.ofHours(1))) {
      leader.write(leader.read().join()).join();
      proxy.refuse();
      listen(Windows.DEFAULT, heartbeats(Duration.ofHours(1)));
      Await.until("it writes", () -> told.writes.get() == Heartbeats.A_LEASE);
      int reads = told.reads.get();
      Await.until("two leases have passed", () -> told.reads.get() > reads + 8);
      assertThat(told.writes).hasValue(Heartbeats.A_LEASE);
      proxy.heal();
      Await.until(
          "it goes on",
          () -> {
            // What it comes to is seen by those who listen: see create.
            leader.write(leader.read().join()).handle((done, failure) -> done).join();
            return holds();
          });
      assertThat(told.writes).hasValue(Heartbeats.A_LEASE);
    }
  }

  @Test
  void a_lease_costs_four_reads_and_the_leaders_writes() {
    listen(Windows.DEFAULT);
    Await.until("two leases have passed", () -> told.reads.get() > 8);
    assertThat(told.writes.get()).isBetween(told.reads.get() - 3, told.reads.get());
  }
}
