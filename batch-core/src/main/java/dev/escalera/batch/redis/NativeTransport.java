package dev.escalera.batch.redis;

import static dev.escalera.batch.redis.HashValues.utf8;

import dev.escalera.batch.internal.Fingerprint;
import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import io.lettuce.core.cluster.SlotHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Sends commands as they are, and those with an idempotency key by a script. */
final class NativeTransport implements Transport<RedisWrite, Call> {
  private static final long MAX_BYTES = 8_000_000;
  private static final LuaScript ONCE = LuaScript.load("once.lua");

  private final Sender sender;
  private final boolean cluster;
  private final byte[] markerTtl;

  NativeTransport(Route route, Duration idempotencyTtl) {
    this.sender = new Sender(route);
    this.cluster = route.isCluster();
    this.markerTtl = utf8(Long.toString(idempotencyTtl.toMillis()));
  }

  @Override
  public Prepared<Call> prepare(RedisWrite write) {
    Call call =
        write.idempotencyKey().isPresent()
            ? once(write, write.idempotencyKey().get())
            : Call.command(write.command(), utf8(write.key()), write.arguments());
    long bytes = call.bytes();
    return Prepared.one(call, write.key(), bytes, write.isRepeatable(), refusal(call, bytes));
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Call> batch) {
    return sender.send(batch);
  }

  @Override
  public RedisWrite replayable(RedisWrite write, String key) {
    return write.isRepeatable() ? write : write.withKey(key);
  }

  @Override
  public long fingerprint(RedisWrite write) {
    List<byte[]> parts = new ArrayList<>();
    parts.add(utf8(write.command()));
    parts.add(utf8(write.key()));
    parts.addAll(write.arguments());
    return Fingerprint.of(parts);
  }

  @Override
  public void close() {
    sender.close();
  }

  private Call once(RedisWrite write, String idempotencyKey) {
    String key = write.key();
    // A key with a hash tag of its own gives it to the marker; any other is the tag.
    int open = key.indexOf('{');
    int close = open < 0 ? -1 : key.indexOf('}', open + 1);
    String tag = close > open + 1 ? key.substring(open, close + 1) : "{" + key + "}";
    String marker =
        "escalera:once:" + tag + ":" + Keys.escape(key) + ":" + Keys.escape(idempotencyKey);
    List<byte[]> arguments = new ArrayList<>(write.arguments().size() + 2);
    arguments.add(markerTtl);
    arguments.add(utf8(write.command()));
    arguments.addAll(write.arguments());
    return Call.script(ONCE, List.of(utf8(key), utf8(marker)), arguments);
  }

  private @Nullable Throwable refusal(Call call, long bytes) {
    if (bytes > MAX_BYTES) {
      return new IllegalArgumentException(
          "the write has " + bytes + " bytes, expected at most " + MAX_BYTES);
    }
    long slots = call.keys().stream().map(SlotHash::getSlot).distinct().count();
    return cluster && slots > 1
        ? new IllegalArgumentException(
            "the key has no hash tag and cannot be one, expected one for an idempotency key")
        : null;
  }
}
