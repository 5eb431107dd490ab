package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuardTest {
  /** Starts a Redis server, says where it is, and waits to be killed. */
  public static final class Owner {
    private Owner() {}

    public static void main(String[] args) throws Exception {
      RedisServer server = RedisServer.start();
      System.out.println(server.port());
      System.out.flush();
      Thread.sleep(Long.MAX_VALUE);
    }
  }

  @Test
  void a_server_and_its_folder_do_not_outlive_a_jvm_that_is_killed(@TempDir Path folder)
      throws Exception {
    Process owner =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + folder,
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String address;
    try (BufferedReader output = owner.inputReader()) {
      address = "127.0.0.1:" + output.readLine();
      assertThat(TestNet.accepts(address)).isTrue();
      assertThat(serverFolders(folder)).hasSize(1);

      owner.destroyForcibly().waitFor();
    }

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (System.nanoTime() < deadline
        && (TestNet.accepts(address) || !serverFolders(folder).isEmpty())) {
      Thread.sleep(10);
    }
    assertThat(TestNet.accepts(address)).as("the server still listens").isFalse();
    assertThat(serverFolders(folder)).as("folders left behind").isEmpty();
  }

  @Test
  void a_command_that_ends_at_once_leaves_nothing_behind() {
    Path folder = ServerProcess.newFolder();
    try (ServerProcess process = ServerProcess.start("false", folder, List.of("/bin/false"))) {
      assertThatThrownBy(() -> process.awaitAnswer(Duration.ofSeconds(10), () -> false))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("false ended");
    } catch (TestkitException e) {
      // It ended before it was looked at.
      assertThat(e).hasMessageContaining("false ended at once");
    }
    assertThat(folder).doesNotExist();
  }

  private static List<Path> serverFolders(Path folder) throws Exception {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> entry.getFileName().toString().startsWith("escalera-testkit-"))
          .toList();
    }
  }
}
