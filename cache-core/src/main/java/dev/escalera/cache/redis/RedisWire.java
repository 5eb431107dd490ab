package dev.escalera.cache.redis;

import static dev.escalera.cache.redis.LuaScript.utf8;

import dev.escalera.cache.internal.Nonces;
import dev.escalera.cache.internal.Platform;
import dev.escalera.cache.internal.Wire;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.RedisPubSubListener;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections of RESP3 that are subscribed and renew the lease. The channel's name is that of the
 * registry's incarnation: databases that share a server do not hear each other, and a registry that
 * was lost ends all leases.
 */
final class RedisWire implements Wire {
  /**
   * A hash, in a cluster one a stripe: incarnation (i), run id of the server (r), sequence (s),
   * nodes (n and their id).
   */
  static final String REGISTRY = "escalera:cache-nodes";

  static final String CHANGED = "2 ";
  static final String LOADED = "3 ";
  static final String DONE = "4 ";

  private static final Logger log = LoggerFactory.getLogger(RedisWire.class);
  private static final long CONNECT_SECONDS = 10;
  static final long LEAVE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final LuaScript RENEW = LuaScript.load("renew.lua", ScriptOutputType.MULTI);

  private final Servers servers;
  private final int stripe;
  private final byte[] registry;
  private final Platform platform;

  RedisWire(Servers servers, int stripe, Platform platform) {
    this.servers = servers;
    this.stripe = stripe;
    this.registry = registry(servers, stripe);
    this.platform = platform;
  }

  /** Returns the key of the registry for the keys of a stripe. */
  static byte[] registry(Servers servers, int stripe) {
    String tag = servers.tag(stripe);
    return utf8(tag.isEmpty() ? REGISTRY : REGISTRY + ":" + tag);
  }

  @Override
  public CompletableFuture<Connection> connect(Events events) {
    CompletableFuture<Connection> connected = new CompletableFuture<>();
    // Lettuce's asynchronous connect wants an address that the host's client does not give away.
    Thread thread = new Thread(() -> open(events, connected), "escalera-cache-channel");
    thread.setDaemon(true);
    thread.start();
    return connected;
  }

  private void open(Events events, CompletableFuture<Connection> connected) {
    RedisConnection connection = null;
    try {
      RedisClient client = servers.client(stripe).get(CONNECT_SECONDS, TimeUnit.SECONDS);
      connection = new RedisConnection(client.connectPubSub(ByteArrayCodec.INSTANCE), events);
      connection.begin();
      connected.complete(connection);
    } catch (Exception | LinkageError e) {
      if (connection != null) {
        connection.close();
      }
      servers.refresh();
      connected.completeExceptionally(e);
    }
  }

  private final class RedisConnection extends RedisPubSubAdapter<byte[], byte[]>
      implements Connection, RedisConnectionStateListener {
    private final StatefulRedisPubSubConnection<byte[], byte[]> redis;
    private final Events events;
    private volatile long incarnation;
    private volatile long answersTo;

    RedisConnection(StatefulRedisPubSubConnection<byte[], byte[]> redis, Events events) {
      this.redis = redis;
      this.events = events;
    }

    void begin() throws Exception {
      redis.addListener((RedisConnectionStateListener) this);
      redis.addListener((RedisPubSubListener<byte[], byte[]>) this);
      // The node is told apart by the channel later; here only the incarnation is asked for.
      incarnation = renewal(0, 0).get(CONNECT_SECONDS, TimeUnit.SECONDS).incarnation();
      CompletableFuture<Void> subscribed =
          redis.async().subscribe(utf8(channel(incarnation))).toCompletableFuture();
      subscribed.get(CONNECT_SECONDS, TimeUnit.SECONDS);
      if (!redis.isOpen()) {
        throw new IllegalStateException("the connection ended while it was made");
      }
    }

    @Override
    public CompletableFuture<Renewal> renew(long node, long number) {
      if (answersTo != node) {
        // Before the reply to the first renewal: replies come in order.
        answersTo = node;
        redis.async().subscribe(utf8(channel(incarnation) + ":" + Nonces.hex(node)));
      }
      return renewal(node, number)
          .whenComplete(
              (renewal, failure) -> {
                if (failure != null) {
                  servers.refresh();
                }
              })
          .thenApply(
              renewal -> {
                if (renewal.incarnation() != incarnation) {
                  throw new IllegalStateException("the registry is another, and so is its channel");
                }
                return renewal;
              });
    }

    private CompletableFuture<Renewal> renewal(long node, long number) {
      CompletableFuture<List<Object>> reply =
          RENEW
              .<List<Object>>run(
                  redis.async(),
                  new byte[][] {registry},
                  number == 0 ? new byte[0] : member(node),
                  utf8(Nonces.hex(number)),
                  utf8(Nonces.hex(platform.nonce())))
              .toCompletableFuture();
      return reply.thenApply(
          answer ->
              new Renewal(
                  HexFormat.fromHexDigitsToLong(text(answer.get(0))),
                  Long.parseLong(text(answer.get(1))),
                  (Long) answer.get(2)));
    }

    @Override
    public void acknowledge(Change change, long node) {
      String to = channel(incarnation) + ":" + Nonces.hex(change.caller());
      redis
          .async()
          .publish(utf8(to), utf8(DONE + Nonces.hex(change.id()) + " " + Nonces.hex(node)));
    }

    @Override
    public void leave(long node) {
      CompletableFuture<Long> left =
          redis.async().hdel(registry, member(node)).toCompletableFuture();
      platform
          .within(left, LEAVE_NANOS)
          // Whoever waits for this node strikes it off otherwise.
          .whenComplete((done, failure) -> close());
    }

    @Override
    public void close() {
      redis.closeAsync();
    }

    @Override
    public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
      // Closed here and now, before Lettuce's watchdog can revive it.
      redis.closeAsync();
      servers.refresh();
      events.ended(this);
    }

    @Override
    public void message(byte[] channel, byte[] bytes) {
      String message = new String(bytes, StandardCharsets.US_ASCII);
      try {
        receive(message);
      } catch (RuntimeException e) {
        log.warn("a message of a change is not understood", e);
        events.ended(this);
      }
    }

    private void receive(String message) {
      if (message.startsWith(CHANGED) && message.length() == 103) {
        events.changed(
            new Change(
                hex(message, 0),
                hex(message, 1),
                hex(message, 2),
                hex(message, 3),
                hex(message, 4),
                hex(message, 5)));
      } else if (message.startsWith(LOADED) && message.length() == 35) {
        events.loaded(hex(message, 0), hex(message, 1));
      } else if (message.startsWith(DONE) && message.length() == 35) {
        events.acknowledged(hex(message, 0), hex(message, 1));
      } else {
        throw new IllegalArgumentException("unknown format");
      }
    }
  }

  private static String channel(long incarnation) {
    return "escalera:cache:" + Nonces.hex(incarnation);
  }

  /** Returns the field of the registry that stands for a node. */
  static byte[] member(long node) {
    return utf8("n" + Nonces.hex(node));
  }

  private static long hex(String message, int index) {
    int from = 2 + 17 * index;
    return HexFormat.fromHexDigitsToLong(message, from, from + 16);
  }

  private static String text(Object bytes) {
    return new String((byte[]) bytes, StandardCharsets.US_ASCII);
  }
}
