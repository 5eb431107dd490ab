package dev.escalera.examples.quickstart;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class MessageFileTest {
  private static final String GOOD =
      "{\"id\":\"m1\",\"createdAt\":\"2026-02-01T00:30:00.1234567+01:00\",\"userId\":\"u1\",\"conversationId\":\"c1\",\"content\":\"\"}";

  private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
  private final ByteArrayOutputStream rejects = new ByteArrayOutputStream();
  private long bad;

  @Test
  void a_line_is_a_message_in_utc_and_microseconds() throws Exception {
    assertThat(read((GOOD + "\n").getBytes(UTF_8)))
        .containsExactly(
            new Message("m1", Instant.parse("2026-01-31T23:30:00.123456Z"), "u1", "c1", ""));
    assertThat(bad).isZero();
  }

  @Test
  void gzip_is_recognised_and_a_missing_last_line_end_is_no_fault() throws Exception {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
      gzip.write((GOOD + "\r\n\n" + GOOD).getBytes(UTF_8));
    }
    assertThat(read(zipped.toByteArray())).hasSize(2);
    assertThat(bad).isZero();
  }

  @Test
  void bad_lines_are_named_counted_and_kept_and_the_good_ones_read() throws Exception {
    List<String> lines =
        List.of(
            GOOD,
            "{\"id\": \"m2\"",
            "[]",
            GOOD.replace("\"userId\"", "\"user\""),
            GOOD.replace("\"u1\"", "7"),
            GOOD.replace("\"m1\"", "\"\""),
            GOOD.replace("2026-02-01T00:30", "yesterday"),
            GOOD + " {}",
            GOOD);
    byte[] input = String.join("\n", lines).getBytes(UTF_8);

    assertThat(read(input)).hasSize(2);
    assertThat(bad).isEqualTo(7);
    assertThat(
            errors
                .toString(UTF_8)
                .lines()
                .map(line -> line.replaceFirst("not JSON: .*", "not JSON")))
        .containsExactly(
            "in:2: not JSON",
            "in:3: not a JSON object",
            "in:4: field \"userId\" is missing",
            "in:5: field \"userId\" is not a string",
            "in:6: field \"id\" is empty",
            "in:7: field \"createdAt\" is \"yesterday:00.1234567+01:00\", expected a time such as 2026-01-31T09:30:00Z",
            "in:8: not JSON");
    assertThat(rejects.toString(UTF_8).lines()).containsExactlyElementsOf(lines.subList(1, 8));
  }

  @Test
  void a_line_that_is_not_utf_8_or_too_long_is_a_bad_line() throws Exception {
    byte[] latin1 = (GOOD.replace("c1", "caf\u00e9") + "\n").getBytes(ISO_8859_1);
    byte[] huge = ("x".repeat(LineReader.MAX_LINE_BYTES + 1) + "\n" + GOOD).getBytes(UTF_8);
    byte[] input = new byte[latin1.length + huge.length];
    System.arraycopy(latin1, 0, input, 0, latin1.length);
    System.arraycopy(huge, 0, input, latin1.length, huge.length);

    assertThat(read(input)).hasSize(1);
    assertThat(errors.toString(UTF_8).lines())
        .containsExactly("in:1: not UTF-8", "in:2: longer than 1048576 bytes");
  }

  @Test
  void many_bad_lines_are_counted_but_not_all_reported() throws Exception {
    assertThat(read("x\n".repeat(100).getBytes(UTF_8))).isEmpty();
    assertThat(bad).isEqualTo(100);
    assertThat(errors.toString(UTF_8).lines()).hasSize(MessageFile.REPORTED + 1);
    assertThat(rejects.toString(UTF_8).lines()).hasSize(100);
  }

  @Test
  void a_file_that_is_cut_off_gives_what_was_read() throws Exception {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
      gzip.write((GOOD + "\n").repeat(10_000).getBytes(UTF_8));
    }

    List<Message> messages = read(Arrays.copyOf(zipped.toByteArray(), zipped.size() / 2));

    assertThat(messages).isNotEmpty().hasSizeLessThan(10_000);
    assertThat(bad).isEqualTo(1);
    assertThat(errors.toString(UTF_8))
        .isEqualTo(
            "in:"
                + (messages.size() + 1)
                + ": cannot be read on: Unexpected end of ZLIB input stream\n");
  }

  private List<Message> read(byte[] input) throws Exception {
    List<Message> messages = new ArrayList<>();
    try (MessageFile file =
        new MessageFile(
            "in", new ByteArrayInputStream(input), rejects, new PrintStream(errors, true, UTF_8))) {
      file.forEachRemaining(messages::add);
      bad = file.bad();
    }
    return messages;
  }
}
