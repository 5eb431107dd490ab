package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DecisionTest {
  private static final Limit METRICS = Limit.of("metrics", 10, Duration.ofMinutes(1));

  @Test
  void headers_of_the_draft() {
    Decision allowed =
        new Decision(
            true,
            METRICS,
            9,
            Duration.ZERO,
            Duration.ofMillis(5_001),
            DecisionSource.REMOTE,
            Instant.EPOCH);
    assertThat(allowed.headers(HeaderProfile.DRAFT_11))
        .containsExactly(
            Map.entry("RateLimit-Policy", "\"metrics\";q=10;w=60"),
            Map.entry("RateLimit", "\"metrics\";r=9;t=6"));

    Decision denied =
        new Decision(
            false,
            METRICS,
            0,
            Duration.ofNanos(1),
            Duration.ofMinutes(1),
            DecisionSource.REMOTE,
            Instant.EPOCH);
    assertThat(denied.headers(HeaderProfile.DRAFT_11)).containsEntry("Retry-After", "1");
  }

  @Test
  void headers_of_old() {
    Decision denied =
        new Decision(
            false,
            METRICS,
            0,
            Duration.ofSeconds(6),
            Duration.ofMinutes(1),
            DecisionSource.LOCAL,
            Instant.EPOCH);
    assertThat(denied.headers(HeaderProfile.X_RATE_LIMIT))
        .containsExactly(
            Map.entry("X-RateLimit-Limit", "10"),
            Map.entry("X-RateLimit-Remaining", "0"),
            Map.entry("X-RateLimit-Reset", "60"),
            Map.entry("Retry-After", "6"));
    assertThat(denied.headers(HeaderProfile.NONE)).isEmpty();
  }

  @Test
  void times_are_read_as_they_were_given() {
    Instant time = Instant.parse("2026-11-24T10:15:30.123456789Z");
    Decision decision =
        new Decision(
            false,
            METRICS,
            3,
            Duration.ofMillis(1_500),
            Duration.ofDays(36_500),
            DecisionSource.LOCAL,
            time);
    assertThat(decision.retryAfter()).isEqualTo(Duration.ofMillis(1_500));
    assertThat(decision.resetAfter()).isEqualTo(Duration.ofDays(36_500));
    assertThat(decision.time()).isEqualTo(time);
    assertThat(decision)
        .hasToString(
            "Decision[allowed=false, limit="
                + METRICS
                + ", remaining=3, retryAfter=PT1.5S, resetAfter=PT876000H, source=LOCAL,"
                + " time=2026-11-24T10:15:30.123456789Z]");
  }

  @Test
  void negative_figures_are_refused() {
    assertThatThrownBy(
            () -> new Decision(true, METRICS, -1, 0, 0, DecisionSource.LOCAL, /* timeNanos= */ 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("remaining is -1, expected at least 0");
    assertThatThrownBy(
            () ->
                new Decision(
                    false,
                    METRICS,
                    0,
                    Duration.ofNanos(-1),
                    Duration.ZERO,
                    DecisionSource.LOCAL,
                    Instant.EPOCH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("retryAfter is PT-0.000000001S");
  }

  @Test
  void what_no_one_knows_is_not_told() {
    Decision fallback =
        new Decision(
            true, METRICS, 0, Duration.ZERO, Duration.ZERO, DecisionSource.FALLBACK, Instant.EPOCH);
    assertThat(fallback.headers(HeaderProfile.DRAFT_11)).containsOnlyKeys("RateLimit-Policy");
    assertThat(fallback.headers(HeaderProfile.X_RATE_LIMIT)).containsOnlyKeys("X-RateLimit-Limit");
  }

  @Test
  void the_fields_of_random_decisions_parse_and_promise_no_more_than_is_true() {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      StringBuilder name = new StringBuilder();
      for (int c = 1 + random.nextInt(20); c > 0; c--) {
        name.append((char) (' ' + random.nextInt(95)));
      }
      Limit limit =
          Limit.of(
              name.toString(),
              1 + random.nextInt(1_000),
              Duration.ofMillis(1 + random.nextInt(100_000)));
      Duration reset = Duration.ofNanos(random.nextLong(Long.MAX_VALUE));
      Decision decision =
          new Decision(
              true,
              limit,
              random.nextLong(Long.MAX_VALUE),
              Duration.ZERO,
              reset,
              DecisionSource.REMOTE,
              Instant.EPOCH);

      Map<String, String> headers = decision.headers(HeaderProfile.DRAFT_11);
      Item policy = Item.parse(String.valueOf(headers.get("RateLimit-Policy")));
      Item rate = Item.parse(String.valueOf(headers.get("RateLimit")));

      assertThat(policy.name).as("seed %d, round %d", seed, i).isEqualTo(limit.name());
      assertThat(rate.name).isEqualTo(limit.name());
      assertThat(rate.parameter("r")).isLessThanOrEqualTo(decision.remaining());
      assertThat(Duration.ofSeconds(rate.parameter("t"))).isGreaterThanOrEqualTo(reset);
      assertThat(policy.parameter("q")).isEqualTo(limit.capacity());
      assertThat(Duration.ofSeconds(policy.parameter("w"))).isGreaterThanOrEqualTo(limit.period());
    }
  }

  @Test
  void limits_out_of_range_are_refused_with_their_figures() {
    Duration minute = Duration.ofMinutes(1);
    assertThatThrownBy(() -> Limit.of("a", 0, minute))
        .hasMessage("limit \"a\": capacity is 0, expected at least 1");
    assertThatThrownBy(() -> Limit.of("a", 1, minute).burst(0))
        .hasMessage("limit \"a\": burst is 0, expected at least 1");
    assertThatThrownBy(() -> Limit.of("a", 1, Duration.ZERO))
        .hasMessageContaining("period is PT0S");
    assertThatThrownBy(() -> Limit.of("a", 1, Duration.ofNanos(1_500)))
        .hasMessageContaining("whole microseconds");
    assertThatThrownBy(() -> Limit.of("a", 1, Duration.ofSeconds(-1)))
        .hasMessageContaining("period is PT-1S");
    assertThatThrownBy(() -> Limit.of("a", 2, Duration.ofNanos(1_000)))
        .hasMessageContaining("one a microsecond");
    assertThatThrownBy(() -> Limit.of("a\n", 1, minute)).hasMessageStartingWith("name is \"a?\"");
    assertThatThrownBy(() -> Limit.of("", 1, minute)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Limit.of("a", 999_999_937, Duration.ofDays(30)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "999999937 tokens times a period of 2592000000000 microseconds exceed 2^53");
    assertThatThrownBy(() -> Limit.of("a", 1, minute).revision(-1))
        .hasMessage("limit \"a\": revision is -1, expected 0 to 2^53 - 1");
  }

  /** An item of a structured field with parameters that are integers, RFC 9651 section 4.2.3. */
  private record Item(String name, Map<String, Long> parameters) {
    static Item parse(String field) {
      assertThat(field.charAt(0)).isEqualTo('"');
      StringBuilder name = new StringBuilder();
      int i = 1;
      for (; field.charAt(i) != '"'; i++) {
        if (field.charAt(i) == '\\') {
          i++;
          assertThat(field.charAt(i)).isIn('"', '\\');
        }
        name.append(field.charAt(i));
      }
      Map<String, Long> parameters = new LinkedHashMap<>();
      for (String parameter : field.substring(i + 2).split(";", -1)) {
        assertThat(parameter).matches("[a-z]=-?[0-9]{1,15}");
        parameters.put(parameter.substring(0, 1), Long.parseLong(parameter.substring(2)));
      }
      return new Item(name.toString(), parameters);
    }

    long parameter(String key) {
      assertThat(parameters).containsKey(key);
      return parameters.getOrDefault(key, -1L);
    }
  }
}
