package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class NodeTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(300);

  /** Answers each line, until it is told to end. */
  public static final class Echo {
    private Echo() {}

    public static void main(String[] args) throws IOException {
      System.out.println("hello " + String.join("|", args));
      System.err.println("a word on the standard error");
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); !"end".equals(line); line = in.readLine()) {
        System.out.println("nanoTime".equals(line) ? "" + System.nanoTime() : "echo " + line);
      }
      System.out.println("bye");
    }
  }

  @Test
  void a_node_gets_its_arguments_and_talks_by_lines() {
    try (Node node = Node.start(Echo.class, "a b", "$c", "")) {
      assertThat(node.readLine(SOON)).isEqualTo("hello a b|$c|");
      node.send("eins");
      node.send("zwei ü");
      assertThat(node.readLine(SOON)).isEqualTo("echo eins");
      assertThat(node.readLine(SOON)).isEqualTo("echo zwei ü");
      assertThat(node.log()).contains("a word on the standard error");
    }
  }

  @Test
  void what_a_node_wrote_can_be_read_after_its_end() {
    try (Node node = Node.start(Echo.class)) {
      node.send("end");
      assertThat(node.readToEnd(SOON)).containsExactly("hello ", "bye");
      assertThat(node.isAlive()).isFalse();
      assertThatThrownBy(() -> node.readLine(SHORT))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("ended");
      assertThatThrownBy(() -> node.send("more"))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("dead");
    }
  }

  @Test
  void a_paused_node_answers_when_it_is_resumed() {
    try (Node node = Node.start(Echo.class)) {
      node.readLine(SOON);
      node.pause();
      node.send("late");
      assertThatThrownBy(() -> node.readLine(SHORT)).isInstanceOf(TestkitException.class);
      assertThat(node.isAlive()).isTrue();

      node.resume();

      assertThat(node.readLine(SOON)).isEqualTo("echo late");
    }
  }

  @Test
  void a_killed_node_is_gone_at_once() {
    try (Node node = Node.start(Echo.class)) {
      node.readLine(SOON);
      node.kill();
      assertThat(node.isAlive()).isFalse();
    }
  }

  @Test
  void options_reach_the_jvm() {
    try (Node node = Node.start(List.of("-Xmx1x"), Echo.class)) {
      assertThatThrownBy(() -> node.readLine(SOON))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("Invalid maximum heap size");
    }
  }

  @Test
  void the_nano_time_of_nodes_has_our_origin() {
    try (Node node = Node.start(Echo.class)) {
      node.readLine(SOON);
      long before = System.nanoTime();
      node.send("nanoTime");
      long theirs = Long.parseLong(node.readLine(SOON));
      assertThat(theirs).isBetween(before, System.nanoTime());
    }
  }
}
