package dev.escalera.cache.redis;

import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Nonces;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the changes of all nodes, on a connection of its own. Whatever ends it, or is not
 * understood, fences first; then a new connection is made, not by Lettuce's watchdog.
 */
final class RedisChannel implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisChannel.class);

  private static final long MIN_PAUSE_MILLIS = 20;
  private static final long MAX_PAUSE_MILLIS = 1_000;

  /** A connection over which nothing comes may be dead: it is tried this often. */
  private static final long HEARTBEAT_MILLIS = 1_000;

  private static final long HEARTBEAT_DEADLINE_MILLIS = 2_000;

  private final RedisClient client;
  private final String name;
  private final String channel;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile @Nullable Listener current;

  RedisChannel(RedisClient client, String name, String channel) {
    this.client = client;
    this.name = name;
    this.channel = channel;
  }

  /** The message of a change: format, hash of the key, nonce of the change. */
  static String message(long hash, long nonce) {
    return "1 " + Nonces.hex(hash) + " " + Nonces.hex(nonce);
  }

  void start(Coherence coherence) {
    Thread thread = new Thread(() -> run(coherence), "escalera-cache-channel");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    stopped.countDown();
    Listener last = current;
    if (last != null) {
      last.end();
    }
  }

  private void run(Coherence coherence) {
    long pause = MIN_PAUSE_MILLIS;
    boolean failed = false;
    try {
      do {
        boolean listened = false;
        try {
          listened = listen(coherence);
        } catch (ExecutionException | TimeoutException | RuntimeException | LinkageError e) {
          if (!failed && !isStopped()) {
            log.warn("{}: cannot listen to changes, will try again", name, e);
          }
          failed = true;
        }
        failed &= !listened;
        pause = listened ? MIN_PAUSE_MILLIS : Math.min(2 * pause, MAX_PAUSE_MILLIS);
      } while (!stopped.await(
          ThreadLocalRandom.current().nextLong(pause / 2, pause), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      // Nobody of ours interrupts this thread; whoever does wants it to end.
      Thread.currentThread().interrupt();
    }
  }

  /** Listens until the connection ends; returns true then, if it ever began. */
  private boolean listen(Coherence coherence)
      throws InterruptedException, ExecutionException, TimeoutException {
    if (isStopped()) {
      return false;
    }
    StatefulRedisPubSubConnection<String, String> connection =
        client.connectPubSub(StringCodec.UTF8);
    Listener listener = new Listener(connection, coherence);
    current = listener;
    boolean listened = false;
    try {
      connection.addListener((RedisConnectionStateListener) listener);
      connection.addListener(listener.messages);
      subscribe(connection);
      if (isStopped() || !listener.begin()) {
        return false;
      }
      listened = true;
      while (!listener.ended.await(HEARTBEAT_MILLIS, TimeUnit.MILLISECONDS)) {
        // In a subscribed connection of RESP2 a repeated SUBSCRIBE is the command that is answered.
        subscribe(connection);
      }
    } catch (ExecutionException | TimeoutException e) {
      if (!listened) {
        throw e;
      }
    } finally {
      listener.end();
    }
    return listened;
  }

  private void subscribe(StatefulRedisPubSubConnection<String, String> connection)
      throws InterruptedException, ExecutionException, TimeoutException {
    connection
        .async()
        .subscribe(channel)
        .toCompletableFuture()
        .get(HEARTBEAT_DEADLINE_MILLIS, TimeUnit.MILLISECONDS);
  }

  private boolean isStopped() {
    return stopped.getCount() == 0;
  }

  /** One connection's life; what comes after its end does not count. */
  private static final class Listener implements RedisConnectionStateListener {
    private final StatefulRedisPubSubConnection<String, String> connection;
    private final Coherence coherence;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final RedisPubSubAdapter<String, String> messages =
        new RedisPubSubAdapter<>() {
          @Override
          public void message(String from, String message) {
            receive(message);
          }
        };

    Listener(StatefulRedisPubSubConnection<String, String> connection, Coherence coherence) {
      this.connection = connection;
      this.coherence = coherence;
    }

    /** Returns whether the connection has not ended yet; then all is told from now on. */
    synchronized boolean begin() {
      if (ended.getCount() == 0) {
        return false;
      }
      coherence.coherent();
      return true;
    }

    void end() {
      synchronized (this) {
        if (ended.getCount() == 0) {
          return;
        }
        ended.countDown();
        coherence.fence();
      }
      connection.closeAsync();
    }

    @Override
    public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
      end();
    }

    private void receive(String message) {
      try {
        if (message.length() != 35 || !message.startsWith("1 ") || message.charAt(18) != ' ') {
          throw new IllegalArgumentException("unknown format");
        }
        coherence.changed(
            HexFormat.fromHexDigitsToLong(message, 2, 18),
            HexFormat.fromHexDigitsToLong(message, 19, 35));
      } catch (RuntimeException e) {
        log.warn("a message of a change is not understood", e);
        end();
      }
    }
  }
}
