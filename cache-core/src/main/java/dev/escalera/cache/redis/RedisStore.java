package dev.escalera.cache.redis;

import static dev.escalera.cache.redis.LuaScript.utf8;

import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Channel;
import dev.escalera.cache.internal.Claim;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Envelope;
import dev.escalera.cache.internal.Found;
import dev.escalera.cache.internal.Keys;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Nonces;
import dev.escalera.cache.internal.Platform;
import dev.escalera.cache.internal.Store;
import dev.escalera.cache.internal.StoreClock;
import io.lettuce.core.KeyValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The values in Redis: a string a value, and one for the claim of whoever loads it. In a cluster
 * the keys are spread over a few stripes, each with a registry and a channel of its own.
 */
final class RedisStore implements Store {
  private static final int MAX_BYTES = 64 << 20;
  private static final Duration TAG_LIFE = Duration.ofDays(400);

  private static final LuaScript CLAIM = LuaScript.load("claim.lua", ScriptOutputType.MULTI);
  private static final LuaScript FILL = LuaScript.load("fill.lua", ScriptOutputType.INTEGER);
  private static final LuaScript RELEASE = LuaScript.load("release.lua", ScriptOutputType.INTEGER);
  private static final LuaScript EXTEND = LuaScript.load("extend.lua", ScriptOutputType.INTEGER);
  private static final LuaScript CHANGE = LuaScript.load("change.lua", ScriptOutputType.MULTI);
  private static final LuaScript TAG = LuaScript.load("tag.lua", ScriptOutputType.VALUE);
  private static final LuaScript STRIKE = LuaScript.load("strike.lua", ScriptOutputType.INTEGER);

  private static final Pattern RUN_ID = Pattern.compile("run_id:(\\p{XDigit}+)");
  private static final byte[] NOTHING = {};

  /**
   * Of one server: it serves others between them, and while it answers the next, these are kept.
   */
  private static final int READS_AT_ONCE = 500;

  private final String prefix;
  private final long cache;
  private final Duration claimLife;
  private final RedisCalls calls;
  private final RedisChannels.Use use;
  private final Platform platform;
  private final Map<StatefulRedisConnection<byte[], byte[]>, CompletionStage<byte[]>> runIds =
      new ConcurrentHashMap<>();
  private @Nullable Coherence coherence;

  RedisStore(
      String name,
      Duration deadline,
      Duration claimLife,
      RedisChannels.Use use,
      Platform platform) {
    this.prefix = "escalera:cache:" + Keys.escape(name) + ":";
    this.cache = Address.nameHash(name);
    this.claimLife = claimLife;
    this.use = use;
    this.platform = platform;
    String component = "RedisTieredCache " + Keys.printable(name);
    this.calls = new RedisCalls(use.servers(), component, deadline);
  }

  @Override
  public Lease lease() {
    return use.lease();
  }

  /** Keys of one stripe share a slot of a cluster, a registry and a channel. */
  static int stripe(Address address, int stripes) {
    // By the highest bits: L1 goes by the lowest.
    return (int) (((address.hash() >>> 32) * stripes) >>> 32);
  }

  private int stripe(Address address) {
    return stripe(address, use.servers().stripes());
  }

  private Channel channel(Address address) {
    return use.channel(stripe(address));
  }

  @Override
  public int readsAtOnce() {
    return READS_AT_ONCE * use.servers().stripes();
  }

  @Override
  public CompletableFuture<List<@Nullable Found>> read(List<Address> addresses) {
    if (addresses.size() == 1) {
      Address address = addresses.get(0);
      byte[] key = utf8(key(address));
      CompletableFuture<byte[]> value =
          timed(address, () -> calls.call(stripe(address), redis -> redis.async().get(key)));
      return value.thenApply(
          bytes -> {
            List<@Nullable Found> one = new ArrayList<>(1);
            one.add(bytes == null ? null : present(channel(address), bytes));
            return one;
          });
    }
    int stripes = use.servers().stripes();
    return stripes == 1 ? readTogether(addresses) : readApart(addresses, stripes);
  }

  private CompletableFuture<List<@Nullable Found>> readApart(List<Address> addresses, int stripes) {
    List<List<Integer>> places = new ArrayList<>(Collections.nCopies(stripes, List.of()));
    for (int i = 0; i < addresses.size(); i++) {
      int stripe = stripe(addresses.get(i), stripes);
      if (places.get(stripe).isEmpty()) {
        places.set(stripe, new ArrayList<>());
      }
      places.get(stripe).add(i);
    }
    Found[] found = new Found[addresses.size()];
    List<CompletableFuture<?>> reads = new ArrayList<>();
    for (List<Integer> of : places) {
      if (!of.isEmpty()) {
        reads.add(
            readTogether(of.stream().map(addresses::get).toList())
                .thenAccept(
                    all -> {
                      for (int i = 0; i < all.size(); i++) {
                        found[of.get(i)] = all.get(i);
                      }
                    }));
      }
    }
    return CompletableFuture.allOf(reads.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> Arrays.asList(found));
  }

  /** Reads what is all of one stripe. */
  private CompletableFuture<List<@Nullable Found>> readTogether(List<Address> addresses) {
    Address any = addresses.get(0);
    byte[][] keys = new byte[addresses.size()][];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = utf8(key(addresses.get(i)));
    }
    CompletableFuture<List<KeyValue<byte[], byte[]>>> values =
        timed(any, () -> calls.call(stripe(any), redis -> redis.async().mget(keys)));
    return values.thenApply(
        all -> {
          long now = channel(any).clock().atMost(platform.nanos());
          List<@Nullable Found> found = new ArrayList<>(all.size());
          for (KeyValue<byte[], byte[]> each : all) {
            found.add(each.hasValue() ? found(each.getValue(), now) : null);
          }
          return found;
        });
  }

  @Override
  public boolean tellsVersions() {
    return true;
  }

  @Override
  public CompletableFuture<List<Long>> versions(List<Address> addresses) {
    List<CompletableFuture<Long>> nonces = new ArrayList<>();
    for (Address address : addresses) {
      byte[] key = utf8(key(address));
      CompletableFuture<byte[]> nonce =
          calls.call(
              stripe(address),
              redis -> redis.async().getrange(key, Envelope.NONCE_AT, Envelope.NONCE_AT + 7));
      nonces.add(nonce.thenApply(Envelope::number));
    }
    return CompletableFuture.allOf(nonces.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> nonces.stream().map(CompletableFuture::join).toList());
  }

  private Found present(Channel channel, byte[] bytes) {
    return found(bytes, channel.clock().atMost(platform.nanos()));
  }

  private static Found found(byte[] bytes, long now) {
    return new Found(bytes, Envelope.created(bytes), now);
  }

  /** Makes a call once the time of its server is known: after that of the first, at once. */
  private <T> CompletableFuture<T> timed(Address address, Supplier<CompletableFuture<T>> call) {
    StoreClock clock = channel(address).clock();
    if (clock.isKnown()) {
      return call.get();
    }
    long sent = platform.nanos();
    CompletableFuture<List<byte[]>> time =
        calls.call(stripe(address), redis -> redis.async().time());
    return time.thenCompose(
        now -> {
          long seconds = Long.parseLong(new String(now.get(0), StandardCharsets.US_ASCII));
          long micros = Long.parseLong(new String(now.get(1), StandardCharsets.US_ASCII));
          clock.learn(seconds * 1_000 + micros / 1_000, sent, platform.nanos());
          return call.get();
        });
  }

  /** What a claim is known by: its nonce and the connection, that is the server, that gave it. */
  private record Version(String nonce, StatefulRedisConnection<byte[], byte[]> connection) {}

  @Override
  public CompletableFuture<Claim> claim(Address address, long nonce, long unwanted, boolean alone) {
    byte[][] keys = keys(address);
    String own = Nonces.hex(nonce);
    byte[] old = unwanted == 0 ? NOTHING : unwanted == -1 ? utf8("*") : raw(unwanted);
    return timed(
        address,
        () ->
            calls.call(
                stripe(address),
                redis -> {
                  CompletableFuture<List<Object>> reply =
                      CLAIM
                          .<List<Object>>run(
                              redis.async(), keys, utf8(own), millis(claimLife), old, flag(alone))
                          .toCompletableFuture();
                  return reply.thenApply(answer -> claim(channel(address), answer, own, redis));
                }));
  }

  private Claim claim(
      Channel channel,
      List<Object> answer,
      String own,
      StatefulRedisConnection<byte[], byte[]> redis) {
    return switch (((Long) answer.get(0)).intValue()) {
      case 0 -> new Claim.Granted(new Version(own, redis));
      case 1 -> new Claim.Busy(Duration.ofMillis(Math.max(1, (Long) answer.get(1))));
      default -> {
        byte[] bytes = (byte[]) answer.get(1);
        yield new Claim.Present(present(channel, bytes));
      }
    };
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Claim claim, byte[] envelope, Duration life) {
    Version version = version(claim);
    Envelope.date(envelope, channel(address).clock().atLeast(platform.nanos()));
    CompletableFuture<Long> stored =
        calls.call(
            stripe(address),
            redis ->
                // Another connection may be to another server, or to one of another past.
                redis == version.connection
                    ? FILL.run(
                        redis.async(),
                        keysAndRegistry(address),
                        utf8(version.nonce),
                        envelope,
                        millis(life),
                        loaded(address))
                    : CompletableFuture.completedFuture(0L));
    return stored.thenApply(number -> number == 1);
  }

  @Override
  public void release(Address address, Claim claim) {
    // Without an answer: a claim that stays ends by itself.
    calls.call(
        stripe(address),
        redis ->
            RELEASE.run(
                redis.async(),
                keysAndRegistry(address),
                utf8(version(claim).nonce),
                loaded(address)));
  }

  @Override
  public void extend(Address address, Claim claim) {
    // Without an answer: the next attempt may succeed.
    calls.call(
        stripe(address),
        redis ->
            EXTEND.run(
                redis.async(), keys(address), utf8(version(claim).nonce), millis(claimLife)));
  }

  @Override
  public Duration claimLife() {
    return claimLife;
  }

  @Override
  public CompletableFuture<Applied> put(
      Address address,
      byte[] envelope,
      Duration life,
      long nonce,
      long giveUp,
      boolean acknowledge) {
    StoreClock clock = channel(address).clock();
    return timed(
        address,
        () -> {
          Envelope.date(envelope, clock.atLeast(platform.nanos()));
          byte[] deadline = utf8(Long.toString(clock.atLeast(giveUp)));
          return change(
              key(address), address, nonce, acknowledge, deadline, envelope, millis(life));
        });
  }

  @Override
  public CompletableFuture<Applied> invalidate(Address address, long nonce, boolean acknowledge) {
    return change(key(address), address, nonce, acknowledge, NOTHING);
  }

  @Override
  public CompletableFuture<List<Long>> tags(List<Address> tags) {
    List<CompletableFuture<Long>> nonces = new ArrayList<>();
    for (Address tag : tags) {
      byte[][] key = {utf8(tagKey(tag))};
      byte[] fresh = utf8(Nonces.hex(platform.nonce()));
      CompletableFuture<byte[]> nonce =
          calls.call(stripe(tag), redis -> TAG.run(redis.async(), key, fresh, millis(TAG_LIFE)));
      nonces.add(nonce.thenApply(hex -> parse(hex)));
    }
    return CompletableFuture.allOf(nonces.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> nonces.stream().map(CompletableFuture::join).toList());
  }

  @Override
  public CompletableFuture<Applied> invalidateTag(Address tag, long nonce, boolean acknowledge) {
    return change(
        tagKey(tag), tag, nonce, acknowledge, NOTHING, utf8(Nonces.hex(nonce)), millis(TAG_LIFE));
  }

  @Override
  public CompletableFuture<Void> barrier() {
    return use.barrier();
  }

  @Override
  public int maxBytes() {
    return MAX_BYTES;
  }

  @Override
  public boolean isAvailable() {
    return calls.isAvailable();
  }

  @Override
  public void start(Coherence listener) {
    coherence = listener;
    use.join(cache, listener);
  }

  @Override
  public void close() {
    Coherence listener = coherence;
    if (listener != null) {
      use.leave(cache, listener);
    }
    calls.close();
    use.close();
  }

  /** Returns the key of a value: readable where nothing needs an escape, of one hash tag. */
  String key(Address address) {
    return prefix + tag(address) + '{' + tagged(address.text()) + '}';
  }

  private String tagKey(Address tag) {
    return prefix + "tag:" + tag(tag) + '{' + tagged(tag.text()) + '}';
  }

  private String tag(Address address) {
    return use.servers().tag(stripe(address));
  }

  private byte[] registry(Address address) {
    return RedisWire.registry(use.servers(), stripe(address));
  }

  private static String tagged(String name) {
    // An empty hash tag is none: % alone is the escape of nothing else.
    return name.isEmpty() ? "%" : Keys.escapeExceptColons(name);
  }

  private byte[][] keys(Address address) {
    String key = key(address);
    return new byte[][] {utf8(key), utf8(key + ":c")};
  }

  private byte[][] keysAndRegistry(Address address) {
    String key = key(address);
    return new byte[][] {utf8(key), utf8(key + ":c"), registry(address)};
  }

  /** Makes a change and tells all nodes; the value and its life where there is one. */
  private CompletableFuture<Applied> change(
      String key,
      Address address,
      long nonce,
      boolean acknowledge,
      byte[] deadline,
      byte[]... value) {
    Channel channel = channel(address);
    Channel.Acknowledgement expected = acknowledge ? channel.expect() : null;
    byte[][] arguments = new byte[7][];
    arguments[0] =
        utf8(Nonces.hex(cache) + " " + Nonces.hex(address.hash()) + " " + Nonces.hex(nonce));
    arguments[1] = utf8(expected == null ? "" : Nonces.hex(expected.id()));
    arguments[2] = utf8(Nonces.hex(channel.node()));
    arguments[3] = deadline;
    arguments[4] = NOTHING;
    arguments[5] = NOTHING;
    arguments[6] = NOTHING;
    System.arraycopy(value, 0, arguments, 4, value.length);
    byte[][] keys = {utf8(key), utf8(key + ":c"), registry(address)};
    CompletableFuture<List<Object>> reply =
        calls.call(
            stripe(address),
            redis ->
                expected == null
                    ? CHANGE.run(redis.async(), keys, arguments)
                    : runId(redis)
                        .thenCompose(
                            run -> {
                              arguments[6] = run;
                              return CHANGE.run(redis.async(), keys, arguments);
                            }));
    return reply
        .thenApply(answer -> applied(address, answer, expected))
        .whenComplete(
            (done, failure) -> {
              if (failure != null && expected != null) {
                expected.cancel();
              }
            });
  }

  /** Returns the run id of the server to which a connection is: it is asked once. */
  private CompletionStage<byte[]> runId(StatefulRedisConnection<byte[], byte[]> redis) {
    CompletionStage<byte[]> known = runIds.get(redis);
    if (known != null) {
      return known;
    }
    CompletionStage<byte[]> asked = redis.async().info("server").thenApply(RedisStore::runId);
    runIds.keySet().removeIf(connection -> !connection.isOpen());
    runIds.put(redis, asked);
    return asked.whenComplete(
        (run, failure) -> {
          if (failure != null) {
            runIds.remove(redis, asked);
          }
        });
  }

  private static byte[] runId(String info) {
    Matcher found = RUN_ID.matcher(info);
    if (!found.find()) {
      throw new IllegalStateException("INFO tells no run id");
    }
    return utf8(found.group(1));
  }

  private Applied applied(
      Address address, List<Object> answer, Channel.@Nullable Acknowledgement expected) {
    if (!answer.get(0).equals(1L)) {
      throw new IllegalStateException("Redis came to it too late");
    }
    if (expected == null) {
      return Applied.ALONE;
    }
    Map<Long, Long> nodes = new HashMap<>();
    for (int i = 2; i + 1 < answer.size(); i += 2) {
      nodes.put(parse((byte[]) answer.get(i)), parse((byte[]) answer.get(i + 1)));
    }
    return new Applied(
        expected.await(parse((byte[]) answer.get(1)), nodes, silent -> strikeOff(address, silent)));
  }

  private void strikeOff(Address address, Map<Long, Long> silent) {
    silent.forEach(
        (node, number) ->
            // Without an answer: whoever waits next tries again.
            calls.call(
                stripe(address),
                redis ->
                    STRIKE.run(
                        redis.async(),
                        new byte[][] {registry(address)},
                        RedisWire.member(node),
                        utf8(Nonces.hex(number)))));
  }

  private static Version version(Claim claim) {
    if (claim instanceof Claim.Granted granted && granted.version() instanceof Version version) {
      return version;
    }
    throw new IllegalArgumentException("not a claim of this store: " + claim);
  }

  private byte[] loaded(Address address) {
    return utf8(RedisWire.LOADED + Nonces.hex(cache) + " " + Nonces.hex(address.hash()));
  }

  private static byte[] raw(long nonce) {
    return java.nio.ByteBuffer.allocate(Long.BYTES).putLong(nonce).array();
  }

  private static byte[] flag(boolean set) {
    return utf8(set ? "1" : "0");
  }

  private static long parse(byte[] hex) {
    return HexFormat.fromHexDigitsToLong(new String(hex, StandardCharsets.US_ASCII));
  }

  private static byte[] millis(Duration duration) {
    return utf8(Long.toString(Math.max(1, duration.toMillis())));
  }
}
