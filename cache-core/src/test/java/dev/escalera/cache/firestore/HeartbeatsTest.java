package dev.escalera.cache.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import dev.escalera.cache.firestore.Heartbeats.Seen;
import dev.escalera.cache.internal.Platform;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;

@WithFirestore
class HeartbeatsTest {
  private static final Duration LEASE = Duration.ofSeconds(4);

  private final Firestore firestore;
  private final List<CollectionReference> stripes;

  HeartbeatsTest(Firestore firestore) {
    this.firestore = firestore;
    this.stripes = new FirestoreLayout(firestore, "cache-" + UUID.randomUUID()).stripes();
  }

  private Heartbeats node() {
    return new Heartbeats(firestore, stripes, "test", LEASE, Platform.system(System::nanoTime));
  }

  /** Returns what was seen, so much later. */
  private static Seen later(Seen seen, Duration age) {
    Timestamp beat = Objects.requireNonNull(seen.beat());
    Timestamp now =
        Timestamp.ofTimeSecondsAndNanos(beat.getSeconds() + age.toSeconds(), beat.getNanos());
    return new Seen(now, beat, seen.leader());
  }

  private List<QueryDocumentSnapshot> documents() throws Exception {
    List<QueryDocumentSnapshot> all = new ArrayList<>();
    for (CollectionReference stripe : stripes) {
      all.addAll(stripe.get().get().getDocuments());
    }
    return all;
  }

  @Test
  void of_nodes_that_find_no_leader_one_becomes_it() {
    Heartbeats one = node();
    Heartbeats two = node();
    Seen first = one.read().join();
    Seen second = two.read().join();
    assertThat(first.beat()).isNull();
    assertThat(one.isDue(first)).isTrue();
    assertThat(two.isDue(second)).isTrue();
    one.write(first).join();
    two.write(second).join();
    assertThat(one.isDue(one.read().join())).isTrue();
    assertThat(two.isDue(two.read().join())).isFalse();
  }

  @Test
  void a_leader_whose_heartbeat_is_too_old_by_the_time_of_the_store_is_replaced_and_harmless() {
    Heartbeats one = node();
    Heartbeats two = node();
    one.write(one.read().join()).join();
    Seen seen = two.read().join();
    assertThat(two.isDue(later(seen, Duration.ofSeconds(1)))).as("it is in time").isFalse();
    Seen late = later(seen, Duration.ofSeconds(2));
    assertThat(two.isDue(late)).isTrue();
    two.write(late).join();
    Seen taken = two.read().join();
    assertThat(two.isDue(taken)).isTrue();
    // The old one wakes up with what it saw long ago.
    one.write(seen).join();
    assertThat(two.read().join().beat()).isEqualTo(taken.beat());
    assertThat(one.isDue(one.read().join())).isFalse();
  }

  @Test
  void a_node_that_cannot_wait_writes_in_the_name_of_the_leader() {
    Heartbeats one = node();
    Heartbeats two = node();
    one.write(one.read().join()).join();
    Seen seen = two.read().join();
    two.write(seen).join();
    Seen now = one.read().join();
    assertThat(now.beat()).isGreaterThan(seen.beat());
    assertThat(one.isDue(now)).isTrue();
    assertThat(two.isDue(now)).isFalse();
  }

  @Test
  void a_heartbeat_that_was_refused_was_preceded_by_one_that_proves_the_same_read() {
    Heartbeats one = node();
    Heartbeats two = node();
    one.write(one.read().join()).join();
    for (int round = 0; round < 20; round++) {
      Seen mine = one.read().join();
      Seen other = two.read().join();
      two.write(other).join();
      one.write(mine).join();
      assertThat(one.read().join().beat())
          .isGreaterThanOrEqualTo(mine.now())
          .isGreaterThanOrEqualTo(other.now());
    }
  }

  @Test
  void heartbeats_are_one_document_a_stripe_of_one_time() throws Exception {
    Heartbeats one = node();
    for (int i = 0; i < 5; i++) {
      one.write(one.read().join()).join();
    }
    List<QueryDocumentSnapshot> documents = documents();
    assertThat(documents).hasSize(stripes.size());
    Timestamp beat = one.read().join().beat();
    assertThat(documents)
        .allSatisfy(
            each -> {
              assertThat(each.getUpdateTime()).isEqualTo(beat);
              assertThat(each.getData()).containsOnlyKeys("leader", "nonce", "at", "expiresAt");
            });
  }
}
