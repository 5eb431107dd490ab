package dev.escalera.cache.redis;

import static dev.escalera.cache.redis.LuaScript.utf8;

import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Found;
import dev.escalera.cache.internal.Keys;
import dev.escalera.cache.internal.Nonces;
import dev.escalera.cache.internal.Store;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The values in Redis: a string a value, and one for the version under which it may be filled in.
 */
final class RedisStore implements Store {
  private static final int MAX_IN_FLIGHT = 10_000;
  private static final int MAX_BYTES = 64 << 20;

  /** How long a version lives after the last miss; a load that takes longer is not stored. */
  private static final Duration VERSION_LIFE = Duration.ofMinutes(10);

  private static final LuaScript READ = LuaScript.load("read.lua", ScriptOutputType.MULTI);
  private static final LuaScript FILL = LuaScript.load("fill.lua", ScriptOutputType.INTEGER);
  private static final LuaScript CHANGE = LuaScript.load("change.lua", ScriptOutputType.INTEGER);

  private final String prefix;
  private final byte[] channelName;
  private final RedisLink link;
  private final RedisChannel channel;

  RedisStore(RedisClient client, String name, Duration deadline) {
    this.prefix = "escalera:cache:" + Keys.escape(name) + ":";
    String channel = prefix + "changes";
    this.channelName = utf8(channel);
    String component = "RedisTieredCache " + Keys.printable(name);
    this.link = new RedisLink(client, component, deadline, MAX_IN_FLIGHT);
    this.channel = new RedisChannel(client, component, channel);
  }

  @Override
  public CompletableFuture<Found> read(Address address, Mode mode) {
    byte[][] arguments = {utf8(mode.name()), utf8(Nonces.hex(Nonces.next())), life(VERSION_LIFE)};
    CompletableFuture<List<Object>> reply =
        link.call(redis -> READ.run(redis.async(), keys(address), arguments));
    return reply.thenApply(
        found -> {
          if (found.get(0).equals(1L)) {
            return Found.value((byte[]) found.get(1), Duration.ofMillis((Long) found.get(2)));
          }
          return found.size() == 1 ? Found.nothing() : Found.version(found.get(1));
        });
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Object version, byte[] envelope, Duration ttl) {
    CompletableFuture<Long> stored =
        link.call(
            redis -> FILL.run(redis.async(), keys(address), (byte[]) version, envelope, life(ttl)));
    return stored.thenApply(number -> number == 1);
  }

  @Override
  public CompletableFuture<Void> put(Address address, byte[] envelope, Duration ttl, long nonce) {
    return change(
        address,
        version(nonce),
        life(VERSION_LIFE),
        channelName,
        message(address, nonce),
        envelope,
        life(ttl));
  }

  @Override
  public CompletableFuture<Void> invalidate(Address address, long nonce) {
    return change(
        address, version(nonce), life(VERSION_LIFE), channelName, message(address, nonce));
  }

  @Override
  public int maxBytes() {
    return MAX_BYTES;
  }

  @Override
  public boolean isAvailable() {
    return link.isAvailable();
  }

  @Override
  public void start(Coherence coherence) {
    channel.start(coherence);
    // The first call of the host need not wait for the connection.
    link.call(redis -> redis.async().ping());
  }

  @Override
  public void close() {
    channel.close();
    link.close();
  }

  /** Returns the key of a value: readable where nothing needs an escape, of one hash tag. */
  String key(Address address) {
    String text = Keys.escapeExceptColons(address.text());
    // An empty hash tag is none: % alone is the escape of nothing else.
    return prefix + "{" + (text.isEmpty() ? "%" : text) + "}";
  }

  private byte[][] keys(Address address) {
    String key = key(address);
    return new byte[][] {utf8(key), utf8(key + ":v")};
  }

  private CompletableFuture<Void> change(Address address, byte[]... arguments) {
    CompletableFuture<Long> reply =
        link.call(redis -> CHANGE.run(redis.async(), keys(address), arguments));
    return reply.thenAccept(number -> {});
  }

  private static byte[] version(long nonce) {
    return utf8(Nonces.hex(nonce));
  }

  private static byte[] message(Address address, long nonce) {
    return utf8(RedisChannel.message(address.hash(), nonce));
  }

  private static byte[] life(Duration duration) {
    return utf8(Long.toString(duration.toMillis()));
  }
}
