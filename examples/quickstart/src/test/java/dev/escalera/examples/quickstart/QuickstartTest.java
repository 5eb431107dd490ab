package dev.escalera.examples.quickstart;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.testkit.FirestoreEmulator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
  private static final String LINE =
      "{\"id\":\"m%d\",\"createdAt\":\"2026-%02d-10T12:00:00Z\",\"userId\":\"u%d\",\"conversationId\":\"c1\",\"content\":\"hi\"}\n";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void generated_messages_pass_through_all_four_modules() {
    assertThat(
            run(
                InputStream.nullInputStream(),
                FirestoreEmulator.isAvailable(),
                "--messages",
                "300"))
        .isZero();
    assertThat(out.toString(UTF_8))
        .contains(
            "300 documents in 12 partitions",
            "40 admitted, 60 denied",
            "Top authors",
            "RateLimit-Policy");
    assertThat(err.toString(UTF_8)).isEmpty();
  }

  @Test
  void without_firestore_the_messages_go_to_redis_and_a_line_says_so() {
    assertThat(run(InputStream.nullInputStream(), false, "--messages", "300")).isZero();
    assertThat(out.toString(UTF_8).lines().findFirst().orElse(""))
        .startsWith("Left out: Firestore; the messages go to Redis.")
        .contains("gcloud components install cloud-firestore-emulator");
    assertThat(out.toString(UTF_8)).contains("300 documents in 12 partitions");
  }

  @Test
  void good_lines_are_used_and_bad_ones_counted_and_kept(@TempDir Path folder) throws Exception {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      lines.append(LINE.formatted(i, 1 + i % 3, i % 7 == 0 ? 0 : i));
    }
    lines.append("oops\n");
    Path rejects = folder.resolve("rejects.ndjson");

    int status =
        run(
            new ByteArrayInputStream(lines.toString().getBytes(UTF_8)),
            false,
            "--data",
            "-",
            "--rejects",
            rejects.toString());

    assertThat(status).isEqualTo(2);
    assertThat(err.toString(UTF_8).lines())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("standard input:31: not JSON: "),
            line -> assertThat(line).isEqualTo("standard input: 1 bad lines were left out"));
    assertThat(rejects).hasContent("oops\n");
    assertThat(out.toString(UTF_8))
        .contains("30 documents in 3 partitions")
        .containsPattern("u0 +5");
  }

  @Test
  void what_cannot_be_used_is_one_line_and_status_2(@TempDir Path folder) throws Exception {
    Path missing = folder.resolve("missing.ndjson");
    assertRefused(
        "quickstart: " + missing + " cannot be read: no such file\n", "--data", missing.toString());
    assertRefused(
        "quickstart: " + folder + " cannot be read: it is a folder\n", "--data", folder.toString());
    Path empty = Files.createFile(folder.resolve("empty.ndjson"));
    assertRefused("quickstart: " + empty + " holds no message\n", "--data", empty.toString());
    Path nowhere = folder.resolve("no/such/folder");
    Path one = Files.writeString(folder.resolve("one.ndjson"), LINE.formatted(1, 1, 1));
    assertRefused(
        "quickstart: " + nowhere + " cannot be written: no such file\n",
        "--data",
        one.toString(),
        "--rejects",
        nowhere.toString());
    assertRefused("quickstart: unknown option --bogus; --help lists the options\n", "--bogus");
  }

  @Test
  void help_is_no_error() {
    assertThat(run(InputStream.nullInputStream(), false, "--help")).isZero();
    assertThat(out.toString(UTF_8)).startsWith("Usage: java -jar quickstart.jar");
  }

  private void assertRefused(String message, String... args) {
    err.reset();
    assertThat(run(InputStream.nullInputStream(), false, args)).isEqualTo(2);
    assertThat(err.toString(UTF_8)).isEqualTo(message);
  }

  private int run(InputStream in, boolean firestore, String... args) {
    return new Quickstart(
            in,
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            false,
            firestore)
        .run(args);
  }
}
