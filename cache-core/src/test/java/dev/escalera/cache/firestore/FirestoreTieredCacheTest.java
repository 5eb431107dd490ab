package dev.escalera.cache.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import dev.escalera.cache.Await;
import dev.escalera.cache.BulkContract;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.LoadsContract;
import dev.escalera.cache.RemoteCacheContract;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreTieredCacheTest extends RemoteCacheContract {
  private final Firestore firestore;

  FirestoreTieredCacheTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected <V> TieredCache<String, V> create(String name, Duration ttl, ValueCodec<V> codec) {
    return create(firestore, name, ttl, codec, Duration.ofSeconds(20));
  }

  private static <V> TieredCache<String, V> create(
      Firestore firestore, String name, Duration ttl, ValueCodec<V> codec, Duration budget) {
    return FirestoreTieredCache.builder(firestore, name, ttl, KeyCodec.string(), codec)
        .ttlJitter(0)
        .remoteBudget(budget)
        .maxStaleness(Duration.ofSeconds(1))
        .build();
  }

  @Override
  protected void plant(String key, byte[] envelope) throws Exception {
    TieredCache<String, String> cache = open();
    cache.put(key, "v");
    List<QueryDocumentSnapshot> entries =
        firestore.collectionGroup(FirestoreLayout.ENTRIES).get().get().getDocuments().stream()
            .filter(entry -> entry.getReference().getPath().contains("/" + name + "/"))
            .toList();
    assertThat(entries).hasSize(1);
    entries.get(0).getReference().update("envelope", Blob.fromBytes(envelope)).get();
    cache.close();
  }

  @Test
  void a_staleness_that_heartbeats_cannot_keep_is_refused() {
    var builder =
        FirestoreTieredCache.builder(
            firestore, name, MINUTE, KeyCodec.string(), ValueCodec.string());
    assertThatThrownBy(() -> builder.maxStaleness(Duration.ofMillis(999)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxStaleness")
        .hasMessageContaining("PT0.999S");
  }

  @Test
  void an_invalidation_leaves_a_tombstone_and_an_entry_in_the_log() throws Exception {
    TieredCache<String, String> cache = open();
    cache.invalidate("k");
    String root = FirestoreLayout.ROOT + "/" + name + "/";
    List<QueryDocumentSnapshot> entries =
        firestore.collection(root + FirestoreLayout.ENTRIES).get().get().getDocuments();
    assertThat(entries).hasSize(1);
    Map<String, Object> tombstone = entries.get(0).getData();
    assertThat(tombstone).containsOnlyKeys("envelope", "ttlMillis", "nonce", "expiresAt");
    assertThat(tombstone.get("envelope")).isNull();
    List<QueryDocumentSnapshot> changes = new ArrayList<>();
    for (CollectionReference stripe : new FirestoreLayout(firestore, name).stripes()) {
      stripe.get().get().getDocuments().stream()
          .filter(each -> !each.getId().equals(Heartbeats.ID))
          .forEach(changes::add);
    }
    assertThat(changes).hasSize(1);
    assertThat(changes.get(0).getData()).containsOnlyKeys("hash", "nonce", "at", "expiresAt");
  }

  @Test
  void a_value_that_is_too_large_stays_in_l1_and_drops_what_l2_held() {
    TieredCache<String, byte[]> one = ready(create(name, MINUTE, ValueCodec.bytes()));
    TieredCache<String, byte[]> two = ready(create(name, MINUTE, ValueCodec.bytes()));
    one.put("k", new byte[] {1});
    byte[] large = new byte[950 << 10];
    one.put("k", large);
    assertThat(one.getIfPresent("k")).isSameAs(large);
    assertThat(two.getIfPresent("k")).isNull();
    // What the other node wrote may be heard of only now, and drops what is loaded before.
    Await.until(
        "what is loaded stays in L1",
        () -> two.get("k", key -> large) == large && two.getIfPresent("k") == large);
    assertThat(one.stats().oversized()).isEqualTo(1);
    assertThat(two.stats().oversized()).isPositive();
  }

  @Test
  void a_log_that_is_not_understood_fences() throws Exception {
    TieredCache<String, String> cache = open();
    cache.put("k", "v");
    assertThat(cache.getIfPresent("k")).isEqualTo("v");
    CollectionReference stripe = new FirestoreLayout(firestore, name).stripes().get(1);
    stripe.document("odd").set(Map.of("at", FieldValue.serverTimestamp())).get();
    long before = cache.stats().l2Hits();
    Await.until(
        "L1 is given up",
        () -> {
          assertThat(cache.getIfPresent("k")).isEqualTo("v");
          return cache.stats().l2Hits() > before;
        });
    awaitListeningAgain(cache);
  }

  private static void awaitListeningAgain(TieredCache<String, String> cache) {
    Await.until("it listens again", () -> !cache.stats().fenced());
    assertThat(cache.get("k", key -> "lost")).isEqualTo("v");
  }

  @Test
  void names_that_firestore_reserves_are_names_of_caches() {
    for (String reserved : List.of(".", "..", "__x__", "a/b")) {
      TieredCache<String, String> cache = open(reserved, MINUTE);
      cache.put(name, reserved);
      TieredCache<String, String> other = open(reserved, MINUTE);
      assertThat(other.getIfPresent(name)).isEqualTo(reserved);
    }
  }

  @Test
  void a_firestore_that_does_not_answer_leaves_reads_to_the_loader_and_keeps_writes_pending() {
    FirestoreEmulator emulator = FirestoreEmulator.start();
    Firestore client = emulator.openClient("lost");
    try (TieredCache<String, String> cache =
        create(client, name, MINUTE, ValueCodec.string(), Duration.ofMillis(500))) {
      emulator.close();
      assertThat(cache.get("k", key -> "loaded")).isEqualTo("loaded");
      cache.put("k", "v");
      assertThat(cache.getIfPresent("k")).as("took effect here").isEqualTo("v");
      cache.invalidate("k");
      assertThat(cache.stats().pendingInvalidations()).isEqualTo(1);
      assertThat(cache.get("k", key -> "again")).isEqualTo("again");
      assertThat(cache.stats().storeFailures()).isPositive();
    } finally {
      client.shutdownNow();
    }
  }

  @Nested
  class Loads extends LoadsContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return FirestoreTieredCacheTest.this.create(name, ttl);
    }
  }

  @Nested
  class Bulk extends BulkContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return FirestoreTieredCacheTest.this.create(name, ttl);
    }
  }
}
