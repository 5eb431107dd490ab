package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.lettuce.core.RedisClient;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.platform.testkit.engine.EngineTestKit;

class ScopeTest {
  private static final String RUN = "escalera.testkit.scope";
  private static final List<RedisServer> SEEN = new ArrayList<>();

  @WithRedis
  @EnabledIfSystemProperty(named = RUN, matches = "true")
  static class One {
    @BeforeAll
    static void before(RedisServer server, RedisClient client) {
      SEEN.add(server);
    }

    @Test
    void a_test(RedisServer server) {
      SEEN.add(server);
    }

    @Nested
    class Inner {
      @Test
      void a_nested_test(RedisServer server) {
        SEEN.add(server);
      }
    }
  }

  static class Inheriting extends One {}

  @Test
  void a_class_has_one_server_which_is_closed_after_it() {
    SEEN.clear();
    System.setProperty(RUN, "true");
    try {
      EngineTestKit.engine("junit-jupiter")
          .selectors(selectClass(One.class), selectClass(Inheriting.class))
          .execute()
          .testEvents()
          .assertStatistics(statistics -> statistics.succeeded(4));
    } finally {
      System.clearProperty(RUN);
    }

    assertThat(SEEN).hasSize(6);
    assertThat(SEEN.subList(0, 3)).containsOnly(SEEN.get(0));
    assertThat(SEEN.subList(3, 6)).containsOnly(SEEN.get(3)).doesNotContain(SEEN.get(0));
    assertThat(SEEN)
        .allSatisfy(
            server -> assertThat(TestNet.accepts(server.host() + ":" + server.port())).isFalse());
  }
}
