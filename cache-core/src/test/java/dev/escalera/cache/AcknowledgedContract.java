package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Changes that return when no node serves what was before: each node has a client of its own. */
public abstract class AcknowledgedContract {
  /** Opens another node, whose values all bear tags. */
  protected abstract TieredCache<String, String> node(String... tags);

  /** How often a test is repeated whose changes take as long as they do. */
  protected abstract int rounds();

  @Test
  void no_node_serves_what_was_invalidated_when_the_call_returns() {
    List<TieredCache<String, String>> nodes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      nodes.add(node());
    }
    for (int round = 0; round < rounds(); round++) {
      String old = "old " + round;
      String fresh = "new " + round;
      for (int i = 0; i < 2; i++) {
        nodes.forEach(node -> assertThat(node.get("k", key -> old)).isEqualTo(old));
      }
      nodes.get(round % 4).invalidate("k");
      for (TieredCache<String, String> node : nodes) {
        assertThat(node.get("k", key -> fresh)).isEqualTo(fresh);
      }
      nodes.get((round + 1) % 4).put("k", "put " + round);
      for (TieredCache<String, String> node : nodes) {
        assertThat(node.getIfPresent("k")).isEqualTo("put " + round);
      }
      nodes.get(0).invalidate("k");
    }
    assertThat(nodes.get(3).stats().l1Hits()).as("L1 took part").isPositive();
  }

  @Test
  void a_tag_is_dropped_everywhere_when_the_call_returns() {
    TieredCache<String, String> one = node();
    TieredCache<String, String> two = node();
    for (int round = 0; round < rounds(); round++) {
      one.put("a", "1", EntryOptions.tags("t", "u"));
      one.put("b", "2", EntryOptions.tags("t"));
      one.put("c", "3", EntryOptions.tags("u"));
      for (TieredCache<String, String> node : List.of(one, two)) {
        assertThat(node.getIfPresent("a")).isEqualTo("1");
        assertThat(node.getIfPresent("b")).isEqualTo("2");
        assertThat(node.getIfPresent("c")).isEqualTo("3");
      }
      two.invalidateTag("t");
      for (TieredCache<String, String> node : List.of(one, two)) {
        assertThat(node.getIfPresent("a")).isNull();
        assertThat(node.getIfPresent("b")).isNull();
        assertThat(node.getIfPresent("c")).isEqualTo("3");
      }
    }
  }

  @Test
  void a_load_whose_tag_is_dropped_meanwhile_is_not_cached() {
    TieredCache<String, String> one = node("t");
    TieredCache<String, String> two = node();
    String loaded =
        one.get(
            "k",
            key -> {
              two.invalidateTag("t");
              return "old";
            });
    assertThat(loaded).isEqualTo("old");
    assertThat(one.getIfPresent("k")).isNull();
    assertThat(two.getIfPresent("k")).isNull();
    // Where a tag has to be known before a load it is the next that is cached.
    Await.until(
        "a load is cached",
        () -> "new".equals(one.get("k", key -> "new")) && "new".equals(two.getIfPresent("k")));
  }
}
