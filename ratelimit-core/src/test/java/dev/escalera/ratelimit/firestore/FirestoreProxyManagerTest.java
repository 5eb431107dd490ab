package dev.escalera.ratelimit.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreProxyManagerTest {
  private final Firestore firestore;
  private final String key = UUID.randomUUID().toString();

  FirestoreProxyManagerTest(Firestore firestore) {
    this.firestore = firestore;
  }

  private static BucketConfiguration tokens(long capacity, Duration period) {
    return BucketConfiguration.builder()
        .addLimit(Bandwidth.builder().capacity(capacity).refillGreedy(capacity, period).build())
        .build();
  }

  @Test
  void two_managers_share_a_bucket() {
    BucketConfiguration configuration = tokens(3, Duration.ofDays(1));
    Bucket one =
        FirestoreProxyManager.builder(firestore).build().builder().build(key, () -> configuration);
    Bucket two =
        FirestoreProxyManager.builder(firestore).build().builder().build(key, () -> configuration);

    assertThat(List.of(one.tryConsume(2), two.tryConsume(1), one.tryConsume(1)))
        .containsExactly(true, true, false);
    assertThat(two.getAvailableTokens()).isZero();
  }

  @Test
  void keys_are_data() throws Exception {
    FirestoreProxyManager<List<String>> manager =
        FirestoreProxyManager.<List<String>>builder(firestore, names -> String.join("/", names))
            .collection("buckets")
            .build();
    BucketConfiguration configuration = tokens(1, Duration.ofDays(1));
    List<List<String>> keys =
        List.of(
            List.of(key, "b"),
            List.of("__" + key + "__"),
            List.of(".." + key, ""),
            List.of(key + "\r\n"));
    for (List<String> each : keys) {
      assertThat(manager.builder().build(each, () -> configuration).tryConsume(1)).isTrue();
    }
    assertThat(firestore.document("buckets/" + key + "%2Fb").get().get().exists()).isTrue();

    manager.removeProxy(keys.get(0));
    assertThat(firestore.document("buckets/" + key + "%2Fb").get().get().exists()).isFalse();

    assertThatThrownBy(() -> manager.getProxyConfiguration(List.of("x".repeat(1_025))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the key has 1025 bytes in UTF-8, expected 1 to 1024");
    assertThatThrownBy(() -> FirestoreProxyManager.builder(firestore).collection("a/b/c"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("collection is \"a/b/c\", expected the name of one at the root");
  }

  @Test
  void a_bucket_that_has_expired_is_none_though_its_document_is_there() throws Exception {
    FirestoreProxyManager<String> manager =
        FirestoreProxyManager.builder(firestore)
            .expirationAfterWrite(
                ExpirationAfterWriteStrategy.fixedTimeToLive(Duration.ofMillis(300)))
            .build();
    Bucket bucket = manager.builder().build(key, () -> tokens(1, Duration.ofDays(1)));
    assertThat(bucket.tryConsume(1)).isTrue();

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (manager.getProxyConfiguration(key).isPresent()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(20);
    }

    assertThat(firestore.document("escalera_bucket4j/" + key).get().get().getTimestamp("expireAt"))
        .isNotNull();
    assertThat(bucket.tryConsume(1)).as("begins anew").isTrue();
  }

  @Test
  void a_firestore_that_does_not_answer_is_told_in_our_words_or_those_of_bucket4j() {
    FirestoreEmulator emulator = FirestoreEmulator.start();
    Firestore client = emulator.openClient("lost");
    try {
      FirestoreProxyManager<String> patient = FirestoreProxyManager.builder(client).build();
      FirestoreProxyManager<String> hasty =
          FirestoreProxyManager.builder(client).requestTimeout(Duration.ofMillis(300)).build();
      emulator.pause();
      assertThatThrownBy(() -> hasty.getProxyConfiguration(key))
          .isInstanceOf(io.github.bucket4j.TimeoutException.class);
      emulator.close();
      assertThatThrownBy(() -> patient.getProxyConfiguration(key))
          .isInstanceOf(RateLimitException.class)
          .hasMessageContaining("escalera_bucket4j/" + key);
    } finally {
      emulator.close();
      client.shutdownNow();
    }
  }
}
