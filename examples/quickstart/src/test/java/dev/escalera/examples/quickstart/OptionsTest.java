package dev.escalera.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class OptionsTest {
  @Test
  void without_options_messages_are_generated() throws Exception {
    assertThat(Options.parse())
        .isEqualTo(new Options(Optional.empty(), Optional.empty(), 10_000, 42, false));
  }

  @Test
  void a_file_and_a_place_for_rejects_can_be_named() throws Exception {
    assertThat(Options.parse("--data", "-", "--rejects", "bad.ndjson"))
        .isEqualTo(new Options(Optional.of("-"), Optional.of("bad.ndjson"), 10_000, 42, false));
  }

  @Test
  void bad_options_are_refused_by_name() {
    assertRefused("unknown option --date; --help lists the options", "--date", "x");
    assertRefused("unknown option file; --help lists the options", "file");
    assertRefused("--data needs a value", "--data");
    assertRefused("--data needs a value", "--data", "--rejects", "x");
    assertRefused("--messages is \"ten\", expected a whole number", "--messages", "ten");
    assertRefused("--messages is 0, expected 1 to 10000000", "--messages", "0");
    assertRefused(
        "--messages and --seed are for generated messages, not for --data",
        "--data",
        "x",
        "--seed",
        "1");
    assertRefused("--rejects needs --data", "--rejects", "x");
  }

  private static void assertRefused(String message, String... args) {
    assertThatThrownBy(() -> Options.parse(args))
        .isInstanceOf(UsageException.class)
        .hasMessage(message);
  }
}
