package dev.escalera.batch.redis;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A command of Redis that writes to one key. Immutable. Commands of one key are sent in the order
 * of their submission, one at a time.
 */
public final class RedisWrite {
  private static final Pattern NAME = Pattern.compile("[A-Z]{2,30}");
  private static final int MAX_ARGUMENTS = 5_000;
  private static final int MAX_IDEMPOTENCY_KEY = 500;

  /** They wait, or change the connection, which all commands share. */
  private static final Set<String> REFUSED =
      Set.of(
          "AUTH",
          "BLMOVE",
          "BLMPOP",
          "BLPOP",
          "BRPOP",
          "BRPOPLPUSH",
          "BZMPOP",
          "BZPOPMAX",
          "BZPOPMIN",
          "CLIENT",
          "DISCARD",
          "EVAL",
          "EVALSHA",
          "EXEC",
          "FCALL",
          "HELLO",
          "MONITOR",
          "MULTI",
          "PSUBSCRIBE",
          "PSYNC",
          "QUIT",
          "READONLY",
          "READWRITE",
          "RESET",
          "SELECT",
          "SHUTDOWN",
          "SSUBSCRIBE",
          "SUBSCRIBE",
          "SYNC",
          "UNWATCH",
          "WAIT",
          "WAITAOF",
          "WATCH",
          "XREAD",
          "XREADGROUP");

  private final String command;
  private final String key;
  private final List<byte[]> arguments;
  private final boolean repeatable;
  private final Optional<String> idempotencyKey;

  private RedisWrite(
      String command,
      String key,
      List<byte[]> arguments,
      boolean repeatable,
      Optional<String> idempotencyKey) {
    this.command = command;
    this.key = Objects.requireNonNull(key, "key");
    this.arguments = arguments;
    this.repeatable = repeatable;
    this.idempotencyKey = idempotencyKey;
  }

  /**
   * Returns a SET. Sets without more go out as one MSET where there are no slots.
   *
   * @param key to be set
   * @param value of the key
   * @return a write
   */
  public static RedisWrite set(String key, String value) {
    return new RedisWrite("SET", key, List.of(bytes(value)), true, Optional.empty());
  }

  /**
   * Returns a SET of bytes.
   *
   * @param key to be set
   * @param value of the key, copied
   * @return a write
   */
  public static RedisWrite set(String key, byte[] value) {
    return new RedisWrite("SET", key, List.of(value.clone()), true, Optional.empty());
  }

  /**
   * Returns a SET with PX.
   *
   * @param key to be set
   * @param value of the key
   * @param timeToLive at least 1 ms
   * @return a write
   * @throws IllegalArgumentException if the duration is less than 1 ms
   */
  public static RedisWrite set(String key, String value, Duration timeToLive) {
    if (timeToLive.toMillis() < 1) {
      throw new IllegalArgumentException("timeToLive is " + timeToLive + ", expected 1 ms or more");
    }
    return new RedisWrite(
        "SET",
        key,
        List.of(bytes(value), bytes("PX"), bytes(Long.toString(timeToLive.toMillis()))),
        true,
        Optional.empty());
  }

  /**
   * Returns a DEL.
   *
   * @param key to be removed
   * @return a write
   */
  public static RedisWrite delete(String key) {
    return new RedisWrite("DEL", key, List.of(), true, Optional.empty());
  }

  /**
   * Returns an INCRBY, which is not sent again when its outcome is unknown, unless it has an
   * idempotency key.
   *
   * @param key to be added to
   * @param by what to add
   * @return a write
   */
  public static RedisWrite increment(String key, long by) {
    return new RedisWrite(
        "INCRBY", key, List.of(bytes(Long.toString(by))), false, Optional.empty());
  }

  /**
   * Returns any command whose first argument is its one key. It is not sent again when its outcome
   * is unknown, unless it is {@link #repeatable} or has an idempotency key.
   *
   * @param command its name, in letters
   * @param key that it writes to
   * @param arguments what follows the key
   * @return a write
   * @throws IllegalArgumentException if the command waits or changes the connection, has no name or
   *     too many arguments
   */
  public static RedisWrite command(String command, String key, String... arguments) {
    String name = command.toUpperCase(Locale.ROOT);
    if (!NAME.matcher(name).matches() || REFUSED.contains(name)) {
      throw new IllegalArgumentException(
          "the command is \""
              + name.replaceAll("\\p{Cntrl}", "?")
              + "\", expected one that writes");
    }
    if (arguments.length > MAX_ARGUMENTS) {
      throw new IllegalArgumentException(
          name + " has " + arguments.length + " arguments, expected at most " + MAX_ARGUMENTS);
    }
    List<byte[]> encoded = new ArrayList<>(arguments.length);
    for (String argument : arguments) {
      encoded.add(bytes(argument));
    }
    return new RedisWrite(name, key, encoded, false, Optional.empty());
  }

  /**
   * Returns the same write, said to be safe to send again.
   *
   * @return a write
   */
  public RedisWrite repeatable() {
    return new RedisWrite(command, key, arguments, true, idempotencyKey);
  }

  /**
   * Returns the same write with a key: of all writes of the key with this idempotency key the first
   * that is applied has an effect, the others are ALREADY_APPLIED. In a cluster the key must have a
   * hash tag.
   *
   * @param idempotencyKey 1 to 500 characters
   * @return a write
   * @throws IllegalArgumentException if the key is empty or too long
   */
  public RedisWrite withKey(String idempotencyKey) {
    if (idempotencyKey.isEmpty() || idempotencyKey.length() > MAX_IDEMPOTENCY_KEY) {
      throw new IllegalArgumentException(
          "the idempotency key has "
              + idempotencyKey.length()
              + " characters, expected 1 to "
              + MAX_IDEMPOTENCY_KEY);
    }
    return new RedisWrite(command, key, arguments, repeatable, Optional.of(idempotencyKey));
  }

  /**
   * Returns the key that is written to.
   *
   * @return a key
   */
  public String key() {
    return key;
  }

  /** Returns the command and its key, for messages. */
  @Override
  public String toString() {
    return command + " " + key.replaceAll("\\p{Cntrl}", "?");
  }

  String command() {
    return command;
  }

  List<byte[]> arguments() {
    return arguments;
  }

  boolean isRepeatable() {
    return repeatable || idempotencyKey.isPresent();
  }

  Optional<String> idempotencyKey() {
    return idempotencyKey;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
