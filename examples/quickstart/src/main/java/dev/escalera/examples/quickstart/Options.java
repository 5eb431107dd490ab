package dev.escalera.examples.quickstart;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The command line.
 *
 * @param data the file to read, {@code -} for standard input, empty for generated messages
 * @param rejects where to write the lines that could not be read
 * @param messages how many messages to generate
 * @param seed of the generator
 * @param help whether to explain the options and do nothing
 */
record Options(
    Optional<String> data, Optional<String> rejects, int messages, long seed, boolean help) {
  static final String USAGE =
      """
      Usage: java -jar quickstart.jar [--data FILE] [--rejects FILE] [--messages N] [--seed N]

        --data FILE      messages as NDJSON, plain or gzip; - reads standard input. A message a line:
                         {"id": "m1", "createdAt": "2026-01-31T09:30:00Z", "userId": "u1",
                          "conversationId": "c1", "content": "hello"}
        --rejects FILE   write the lines that could not be read to FILE
        --messages N     without --data: how many messages to generate (10000)
        --seed N         without --data: the seed of the generator (42)
        --help           show this

      Exit status: 0 all done, 1 a failure, 2 bad options or bad lines (the good lines are used).
      """;

  private static final int MAX_MESSAGES = 10_000_000;

  static Options parse(String... args) throws UsageException {
    Optional<String> data = Optional.empty();
    Optional<String> rejects = Optional.empty();
    Optional<Integer> messages = Optional.empty();
    Optional<Long> seed = Optional.empty();
    boolean help = false;
    Deque<String> rest = new ArrayDeque<>(List.of(args));
    while (!rest.isEmpty()) {
      String option = rest.pop();
      switch (option) {
        case "--data" -> data = Optional.of(value(option, rest));
        case "--rejects" -> rejects = Optional.of(value(option, rest));
        case "--messages" ->
            messages = Optional.of((int) number(option, value(option, rest), 1, MAX_MESSAGES));
        case "--seed" ->
            seed = Optional.of(number(option, value(option, rest), Long.MIN_VALUE, Long.MAX_VALUE));
        case "--help" -> help = true;
        default ->
            throw new UsageException("unknown option " + option + "; --help lists the options");
      }
    }
    if (data.isPresent() && (messages.isPresent() || seed.isPresent())) {
      throw new UsageException("--messages and --seed are for generated messages, not for --data");
    }
    if (data.isEmpty() && rejects.isPresent()) {
      throw new UsageException("--rejects needs --data");
    }
    return new Options(data, rejects, messages.orElse(10_000), seed.orElse(42L), help);
  }

  private static String value(String option, Deque<String> rest) throws UsageException {
    if (rest.isEmpty() || rest.peek().startsWith("--")) {
      throw new UsageException(option + " needs a value");
    }
    return rest.pop();
  }

  private static long number(String option, String text, long min, long max) throws UsageException {
    try {
      long number = Long.parseLong(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new UsageException(option + " is \"" + text + "\", expected a whole number");
    }
    throw new UsageException(option + " is " + text + ", expected " + min + " to " + max);
  }
}
