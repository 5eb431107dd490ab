package dev.escalera.ratelimit.redis;

import static dev.escalera.ratelimit.redis.LuaScript.utf8;

import dev.escalera.ratelimit.internal.Counters;
import dev.escalera.ratelimit.internal.NotSentException;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScriptOutputType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs the script. While some calls are in flight to one server, who asks meanwhile waits, and many
 * go together with the next call, each decided as if alone. Safe for use by several threads.
 */
final class Asks {
  private static final LuaScript ACQUIRE = LuaScript.load("acquire.lua", ScriptOutputType.MULTI);
  private static final byte[] NONE = new byte[0];

  /** So many calls at once hide the way to the server and back. */
  private static final int MAX_CALLS = 4;

  /** So many buckets keep a server from others for a fraction of a millisecond. */
  private static final int MAX_BUCKETS = 32;

  private static final int MAX_WAITING = 10_000;

  private final RedisCalls calls;
  private final boolean together;
  private final Supplier<OptionalLong> clock;
  private final Counters counters;
  private final ArrayDeque<Ask> waiting = new ArrayDeque<>();
  private int inFlight;

  Asks(RedisCalls calls, boolean together, Supplier<OptionalLong> clock, Counters counters) {
    this.calls = calls;
    this.together = together;
    this.clock = clock;
    this.counters = counters;
  }

  /**
   * What Redis says of a bucket.
   *
   * @param tokens before the costs
   * @param remainder the part of a token
   * @param figures those that hold, null for those asked for
   * @param granted tokens that are leased
   * @param credited tokens of an ended lease that are back
   * @param shared whether there is enough of it to be shared out
   */
  record Bucket(
      long tokens,
      long remainder,
      @Nullable String figures,
      long granted,
      long credited,
      boolean shared) {}

  /**
   * An answer.
   *
   * @param now the time of Redis, in microseconds
   * @param debited how much of the debit was there
   * @param buckets each that was asked for
   */
  record Answer(long now, long debited, List<Bucket> buckets) {}

  /** Someone who asks for buckets. */
  private static final class Ask extends CompletableFuture<Answer> {
    final byte[][] keys;
    final List<byte[]> arguments;
    final long end;

    Ask(byte[][] keys, List<byte[]> arguments, long end) {
      this.keys = keys;
      this.arguments = arguments;
      this.end = end;
    }
  }

  /**
   * Asks for buckets.
   *
   * @param arguments as the script wants them, from the number of buckets on
   */
  CompletableFuture<Answer> ask(byte[][] keys, List<byte[]> arguments, long timeoutNanos) {
    Ask ask = new Ask(keys, arguments, System.nanoTime() + timeoutNanos);
    boolean waits = together;
    synchronized (this) {
      if (together && inFlight < MAX_CALLS) {
        inFlight++;
        waits = false;
      } else if (waits && waiting.size() < MAX_WAITING) {
        waiting.add(ask);
      } else if (waits) {
        return CompletableFuture.failedFuture(new NotSentException("too many calls wait", null));
      }
    }
    if (waits) {
      ask.orTimeout(timeoutNanos, TimeUnit.NANOSECONDS);
    } else {
      send(List.of(ask));
    }
    return ask;
  }

  private void send(List<Ask> group) {
    List<byte[]> keys = new ArrayList<>();
    List<byte[]> arguments = new ArrayList<>();
    OptionalLong now = clock.get();
    arguments.add(now.isPresent() ? utf8(Long.toString(now.getAsLong())) : NONE);
    long timeout = 0;
    for (Ask ask : group) {
      timeout = Math.max(timeout, ask.end - System.nanoTime());
      keys.addAll(List.of(ask.keys));
      arguments.addAll(ask.arguments);
    }
    byte[][] names = keys.toArray(byte[][]::new);
    byte[][] values = arguments.toArray(byte[][]::new);
    counters.remoteCalls.increment();
    calls
        .<List<Object>>call(redis -> ACQUIRE.run(redis, names, values), timeout)
        .whenComplete(
            (reply, failure) -> {
              if (together) {
                next(failure);
              }
              if (failure == null) {
                answer(group, reply);
              } else {
                group.forEach(ask -> ask.completeExceptionally(failure));
              }
            });
  }

  /** Sends what waits; where nothing can be sent, nobody waits any longer. */
  private void next(@Nullable Throwable failure) {
    List<Ask> refused = List.of();
    List<Ask> group = new ArrayList<>();
    synchronized (this) {
      if (failure != null && RedisCalls.unwrap(failure) instanceof NotSentException) {
        refused = new ArrayList<>(waiting);
        waiting.clear();
      }
      for (int buckets = 0; !waiting.isEmpty(); ) {
        buckets += waiting.getFirst().keys.length;
        if (!group.isEmpty() && buckets > MAX_BUCKETS) {
          break;
        }
        Ask ask = waiting.removeFirst();
        if (ask.isDone()) {
          buckets -= ask.keys.length;
        } else {
          group.add(ask);
        }
      }
      if (group.isEmpty()) {
        inFlight--;
      }
    }
    if (failure != null) {
      refused.forEach(ask -> ask.completeExceptionally(failure));
    }
    if (!group.isEmpty()) {
      send(group);
    }
  }

  private static void answer(List<Ask> group, List<Object> reply) {
    long now = (Long) reply.get(0);
    int at = 1;
    for (Ask ask : group) {
      Object told = reply.get(at++);
      if (told instanceof byte[] error) {
        ask.completeExceptionally(new RedisCommandExecutionException(text(error)));
        continue;
      }
      List<Bucket> buckets = new ArrayList<>(ask.keys.length);
      for (int i = 0; i < ask.keys.length; i++, at += 3) {
        buckets.add(
            bucket((Long) reply.get(at), (Long) reply.get(at + 1), (byte[]) reply.get(at + 2)));
      }
      ask.complete(new Answer(now, (Long) told, buckets));
    }
  }

  private static Bucket bucket(long tokens, long remainder, byte[] more) {
    if (more.length == 0) {
      return new Bucket(tokens, remainder, null, 0, 0, false);
    }
    String[] parts = text(more).split("\\|", -1);
    return new Bucket(
        tokens,
        remainder,
        parts[0],
        Long.parseLong(parts[1]),
        Long.parseLong(parts[2]),
        parts[3].equals("1"));
  }

  private static String text(byte[] ascii) {
    return new String(ascii, StandardCharsets.US_ASCII);
  }
}
