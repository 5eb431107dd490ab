package dev.escalera.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MessageGeneratorTest {
  @Test
  void the_same_seed_gives_the_same_messages() {
    assertThat(generate(500, 7)).isEqualTo(generate(500, 7)).isNotEqualTo(generate(500, 8));
  }

  @Test
  void messages_have_their_own_ids_lie_in_one_year_and_are_skewed() {
    List<Message> messages = generate(5_000, 42);

    assertThat(messages).extracting(Message::id).doesNotHaveDuplicates().hasSize(5_000);
    assertThat(messages)
        .extracting(Message::createdAt)
        .allMatch(at -> !at.isBefore(Instant.parse("2025-11-01T00:00:00Z")))
        .allMatch(at -> at.isBefore(Instant.parse("2026-11-01T00:00:00Z")));
    Map<String, Long> byUser =
        messages.stream().collect(Collectors.groupingBy(Message::userId, Collectors.counting()));
    assertThat(byUser.get("u000")).isGreaterThan(20 * byUser.getOrDefault("u100", 1L));
  }

  private static List<Message> generate(int count, long seed) {
    List<Message> messages = new ArrayList<>();
    new MessageGenerator(count, seed).forEachRemaining(messages::add);
    return messages;
  }
}
