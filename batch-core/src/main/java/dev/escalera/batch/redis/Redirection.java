package dev.escalera.batch.redis;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a server of a cluster sends one whose key it does not have; see "Redis cluster
 * specification", MOVED and ASK redirection.
 *
 * @param host of the other server
 * @param port of the other server
 * @param asking whether the slot is on its way there, and only some of its keys have arrived
 */
record Redirection(String host, int port, boolean asking) {
  private static final Pattern FORM = Pattern.compile("(MOVED|ASK) \\d{1,5} (\\S+):(\\d{1,5})");

  /** Reads it from an error; empty if that is another one. */
  static Optional<Redirection> of(@Nullable String error) {
    if (error == null) {
      return Optional.empty();
    }
    Matcher matcher = FORM.matcher(error);
    return matcher.matches()
        ? Optional.of(
            new Redirection(
                matcher.group(2),
                Integer.parseInt(matcher.group(3)),
                matcher.group(1).equals("ASK")))
        : Optional.empty();
  }
}
