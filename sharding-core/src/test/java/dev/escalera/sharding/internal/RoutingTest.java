package dev.escalera.sharding.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardedCollection;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RoutingTest {
  /** What is stored is found by these: they never change. */
  @Test
  void golden_vectors() {
    assertThat(Long.toUnsignedString(Routing.hash(""), 16)).isEqualTo("efd01f60ba992926");
    assertThat(Long.toUnsignedString(Routing.hash("m1"), 16)).isEqualTo("5455e9edff2de8f3");
    assertThat(Long.toUnsignedString(Routing.hash("\ud83d\ude00"), 16))
        .isEqualTo("da89b0991f06f386");

    ShardedCollection hashed = ShardedCollection.named("c").partitionBy(Partitioning.hash(64));
    assertThat(new Routing(hashed).bucket(Document.of("m1", Map.of())).name())
        .isEqualTo("hash_0051#0");
    ShardedCollection days =
        ShardedCollection.named("c").partitionBy(Partitioning.date("at", "YYYY_MM_DD")).spread(8);
    Document document =
        Document.of("m1", Map.of("at", Instant.parse("2026-12-31T23:59:59.999999Z")));
    assertThat(new Routing(days).bucket(document).name()).isEqualTo("2026_12_31#3");
    ShardedCollection regions = ShardedCollection.named("c").partitionBy(Partitioning.region("r"));
    assertThat(new Routing(regions).bucket(Document.of("m1", Map.of("r", "eu west#1"))).name())
        .isEqualTo("eu%20west%231#0");
  }

  @Test
  void names_do_not_depend_on_the_locale() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try {
      golden_vectors();
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void hashing_is_even() {
    int[] counts = new int[16];
    for (int i = 0; i < 160_000; i++) {
      counts[(int) Long.remainderUnsigned(Routing.hash("user-" + i), 16)]++;
    }
    assertThat(Arrays.stream(counts).boxed())
        .allSatisfy(count -> assertThat(count).isBetween(9_500, 10_500));
  }
}
