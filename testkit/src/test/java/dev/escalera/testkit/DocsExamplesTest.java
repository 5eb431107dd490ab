package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The examples of docs/testkit.md. */
class DocsExamplesTest {
  @Nested
  @WithRedis
  @WithFirestore
  class InventoryTest {
    @Test
    void a_reservation_is_visible_in_both_stores(RedisClient redis, Firestore firestore)
        throws Exception {
      firestore.document("items/1").set(Map.of("reserved", true)).get();
      try (StatefulRedisConnection<String, String> connection = redis.connect()) {
        connection.sync().set("reserved:1", "true");
      }
    }
  }

  @Test
  void a_server_is_a_plain_object() {
    try (RedisServer server = RedisServer.start("--maxmemory", "64mb")) {
      RedisClient client = RedisClient.create(server.uri());
      client.connect().sync().set("key", "value");
      client.shutdown();
    }
    assertThat(FirestoreEmulator.HOW_TO_GET).contains("gcloud");
  }
}
