package dev.escalera.examples.redisonly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.cache.Compression;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisOnlyTest {
  @Test
  void all_four_modules_work_on_redis_alone(RedisServer server) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();

    RedisOnly.run(server.uri(), new PrintStream(out, true, StandardCharsets.UTF_8));

    assertThat(out.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "entry 1 by Ada: written",
            "entry 2 by Ada: written",
            "entry 3 by Ada: written",
            "entry 4 by Ada: too many",
            "entry 5 by Ada: too many",
            "Ada: hello 3",
            "Ada: hello 2",
            "Ada: hello 1",
            "visits not counted: 0");
  }

  @Test
  void a_compression_is_refused_whose_library_is_not_there(RedisClient client) {
    assertThatThrownBy(
            () ->
                RedisTieredCache.builder(
                        client,
                        "zstd",
                        Duration.ofMinutes(1),
                        KeyCodec.string(),
                        ValueCodec.string())
                    .compression(Compression.ZSTD))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("zstd-jni");
  }

  @Test
  void no_class_of_google_cloud_or_grpc_can_be_loaded() {
    for (String name : new String[] {"com.google.cloud.firestore.Firestore", "io.grpc.Channel"}) {
      assertThatThrownBy(() -> Class.forName(name)).isInstanceOf(ClassNotFoundException.class);
    }
  }
}
