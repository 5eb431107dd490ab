package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every cache does with many keys at once. */
public abstract class BulkContract extends CacheFixture {
  @Test
  void a_bulk_loader_that_asks_for_its_own_keys_is_an_error_and_no_deadlock() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b"), keys -> Map.of("a", cache.get("a", key -> "v"), "b", "v")))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThatThrownBy(() -> cache.get("a", key -> cache.getAll(List.of(key), this::load).get(key)))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThatThrownBy(
            () -> cache.getAll(List.of("a", "b"), keys -> cache.getAll(List.of("b"), this::load)))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThat(cache.getAll(List.of("a", "b"), this::load)).hasSize(2);
  }

  private Map<String, String> load(Set<String> keys) {
    Map<String, String> values = new HashMap<>();
    keys.forEach(key -> values.put(key, "v-" + key));
    return values;
  }

  @Test
  void many_keys_are_loaded_at_once_and_only_those_that_are_missing() {
    TieredCache<String, String> cache = open();
    cache.put("a", "put");
    List<Set<String>> asked = new ArrayList<>();
    Map<String, String> found =
        cache.getAll(
            List.of("a", "b", "c", "b", "none"),
            keys -> {
              asked.add(Set.copyOf(keys));
              Map<String, String> loaded = load(keys);
              loaded.remove("none");
              return loaded;
            });
    assertThat(found).containsExactly(entry("a", "put"), entry("b", "v-b"), entry("c", "v-c"));
    assertThat(asked).containsExactly(Set.of("b", "c", "none"));
    assertThat(cache.getAll(found.keySet(), keys -> Map.of())).isEqualTo(found);
    assertThat(cache.getAll(List.of(), this::load)).isEmpty();
  }

  @Test
  void many_keys_that_a_tag_dropped_are_loaded_at_once() {
    TieredCache<String, String> cache = open();
    List<String> keys = List.of("a", "b", "c");
    keys.forEach(key -> cache.put(key, "put", EntryOptions.tags("t")));
    cache.invalidateTag("t");
    List<Set<String>> asked = new ArrayList<>();
    assertThat(
            cache.getAll(
                keys,
                missing -> {
                  asked.add(Set.copyOf(missing));
                  return load(missing);
                }))
        .isEqualTo(load(Set.copyOf(keys)));
    assertThat(asked).containsExactly(Set.copyOf(keys));
  }

  @Test
  void calls_for_many_keys_that_overlap_load_each_key_once() throws Exception {
    TieredCache<String, String> cache = open();
    for (int round = 0; round < 20; round++) {
      String prefix = round + "-";
      Map<String, AtomicInteger> loads = new ConcurrentHashMap<>();
      CountDownLatch start = new CountDownLatch(1);
      List<Future<Map<String, String>>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        int first = i;
        List<String> keys =
            IntStream.range(0, 8).mapToObj(k -> prefix + (first * 5 + k * 7) % 16).toList();
        all.add(
            threads.submit(
                () -> {
                  start.await();
                  return cache.getAll(
                      keys,
                      missing -> {
                        missing.forEach(
                            key ->
                                loads
                                    .computeIfAbsent(key, none -> new AtomicInteger())
                                    .incrementAndGet());
                        sleep(5);
                        return load(missing);
                      });
                }));
      }
      start.countDown();
      for (Future<Map<String, String>> each : all) {
        assertThat(each.get(20, TimeUnit.SECONDS)).hasSize(8);
      }
      assertThat(loads).hasSize(16).allSatisfy((key, times) -> assertThat(times).hasValue(1));
    }
  }

  @Test
  void a_bulk_loader_that_throws_fails_each_key_that_it_was_to_load() {
    TieredCache<String, String> cache = open();
    cache.put("a", "put");
    IllegalStateException cause = new IllegalStateException("no database");
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b", "c"),
                    keys -> {
                      throw cause;
                    }))
        .isInstanceOf(CacheException.class)
        .hasCause(cause)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(2));
    assertThat(cache.getAll(List.of("a", "b", "c"), this::load)).hasSize(3);
  }

  @Test
  void several_keys_are_invalidated() {
    TieredCache<String, String> cache = open();
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      keys.add("k" + i);
      cache.put("k" + i, "v");
    }
    cache.put("kept", "v");
    cache.invalidateAll(keys);
    assertThat(keys).allSatisfy(key -> assertThat(cache.getIfPresent(key)).isNull());
    assertThat(cache.getIfPresent("kept")).isEqualTo("v");
    cache.invalidateAll(List.of());
  }
}
