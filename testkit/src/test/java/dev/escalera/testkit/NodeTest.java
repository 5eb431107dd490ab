package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

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

  /** Writes a line now and then, forever, and a last word without an end if it is told to. */
  public static final class Drip {
    private Drip() {}

    public static void main(String[] args) throws InterruptedException {
      if (args.length > 0) {
        System.out.println("line");
        System.out.print("rest");
        System.out.flush();
        if (args[0].equals("wait")) {
          Thread.sleep(Long.MAX_VALUE);
        }
        return;
      }
      while (true) {
        System.out.println("drip");
        Thread.sleep(50);
      }
    }
  }

  @Test
  void the_time_to_the_end_is_one_for_all_lines() {
    try (Node node = Node.start(Drip.class)) {
      node.readLine(SOON);
      assertThatThrownBy(() -> node.readToEnd(Duration.ofSeconds(1)))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("within PT1S");
    }
  }

  @Test
  void a_last_line_without_an_end_is_a_line() {
    try (Node node = Node.start(Drip.class, "rest")) {
      assertThat(node.readToEnd(SOON)).containsExactly("line", "rest");
    }
  }

  @Test
  void the_line_that_a_killed_node_was_writing_is_none() {
    try (Node node = Node.start(Drip.class, "wait")) {
      assertThat(node.readLine(SOON)).isEqualTo("line");
      assertThatThrownBy(() -> node.readLine(SHORT)).isInstanceOf(TestkitException.class);

      node.kill();

      assertThat(node.readToEnd(SOON)).isEmpty();
    }
  }

  @Test
  void sending_to_a_node_that_dies_meanwhile_fails() throws Exception {
    try (Node node = Node.start(Drip.class)) {
      node.readLine(SOON);
      // It never reads, so the pipe fills up and the sender waits.
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(
              () -> {
                while (true) {
                  node.send("x".repeat(1_000));
                }
              });
      assertThatThrownBy(() -> sending.get(300, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);

      node.kill();

      assertThatThrownBy(() -> sending.get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(TestkitException.class);
    }
  }

  @Test
  void an_interrupted_sender_can_send_again() {
    try (Node node = Node.start(Echo.class)) {
      node.readLine(SOON);
      Thread.currentThread().interrupt();
      node.send("one");
      assertThat(Thread.interrupted()).isTrue();
      node.send("two");
      assertThat(node.readLine(SOON)).isEqualTo("echo one");
      assertThat(node.readLine(SOON)).isEqualTo("echo two");
    }
  }

  @Test
  @ResourceLock(Resources.SYSTEM_PROPERTIES)
  void a_relative_class_path_is_ours_and_not_the_node_s() {
    String own = System.getProperty("java.class.path");
    Path here = Path.of("").toAbsolutePath();
    System.setProperty(
        "java.class.path",
        Arrays.stream(own.split(File.pathSeparator, -1))
            .map(entry -> here.relativize(Path.of(entry).toAbsolutePath()).toString())
            .collect(Collectors.joining(File.pathSeparator)));
    try (Node node = Node.start(Echo.class)) {
      assertThat(node.readLine(SOON)).isEqualTo("hello ");
    } finally {
      System.setProperty("java.class.path", own);
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
      node.kill();
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
