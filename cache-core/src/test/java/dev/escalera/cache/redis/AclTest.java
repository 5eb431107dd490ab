package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** A user that may do what the page says, and nothing else. */
@WithRedis
class AclTest {
  private static final Pattern LEAST = Pattern.compile("Least ACL: `([^`]+)`");

  @Test
  void what_the_page_says_is_enough(RedisServer server) throws IOException {
    Matcher page = LEAST.matcher(Files.readString(Path.of("../docs/cache.md")));
    assertThat(page.find()).isTrue();
    List<String> user = new ArrayList<>(List.of("ACL", "SETUSER", "host", "on", ">secret"));
    user.addAll(List.of(page.group(1).split(" ", -1)));
    assertThat(server.command(user.toArray(String[]::new))).isEqualTo("OK");

    RedisURI uri = RedisURI.create(server.uri());
    uri.setCredentialsProvider(
        io.lettuce.core.RedisCredentialsProvider.from(
            () -> io.lettuce.core.RedisCredentials.just("host", "secret")));
    RedisClient client = RedisClient.create(uri);
    RedisClient second = RedisClient.create(uri);
    try (TieredCache<String, String> one = open(client);
        TieredCache<String, String> two = open(second)) {
      Await.until("both listen", () -> !one.stats().fenced() && !two.stats().fenced());
      one.put("a", "1", EntryOptions.tags("t"));
      assertThat(two.get("a", key -> "again")).isEqualTo("1");
      assertThat(two.get("b", key -> "2")).isEqualTo("2");
      assertThat(one.getAll(List.of("a", "b", "c"), keys -> Map.of("c", "3"))).hasSize(3);
      one.invalidateTag("t");
      assertThat(two.getIfPresent("a")).isNull();
      two.invalidate("b");
      assertThat(one.getIfPresent("b")).isNull();
      one.get("slow", key -> slowly());
      two.get("b", key -> "3");
      server.command("CLIENT", "KILL", "TYPE", "pubsub");
      Await.until("what L1 held is compared", () -> two.stats().revalidated() > 0);
      assertThat(one.stats().storeFailures()).isZero();
      assertThat(two.stats().storeFailures()).isZero();
    } finally {
      client.shutdown();
      second.shutdown();
    }
  }

  /** Takes so long that its claim is extended. */
  private static String slowly() {
    try {
      Thread.sleep(300);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "v";
  }

  private static TieredCache<String, String> open(RedisClient client) {
    return RedisTieredCache.builder(
            client, "acl", Duration.ofMinutes(1), KeyCodec.string(), ValueCodec.string())
        .freshness(Freshness.ACKNOWLEDGED)
        .loadLease(Duration.ofMillis(300))
        .remoteBudget(Duration.ofSeconds(20))
        .build();
  }
}
