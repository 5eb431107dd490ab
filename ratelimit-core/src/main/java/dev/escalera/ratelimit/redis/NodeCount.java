package dev.escalera.ratelimit.redis;

import static dev.escalera.ratelimit.redis.LuaScript.utf8;

import io.lettuce.core.ScriptOutputType;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts the nodes that share the limits: each tells Redis now and then that it is there. */
final class NodeCount implements AutoCloseable {
  static final String KEY = "escalera:ratelimit:nodes";

  private static final Logger log = LoggerFactory.getLogger(NodeCount.class);
  private static final Duration BEAT = Duration.ofSeconds(2);
  private static final LuaScript NODES = LuaScript.load("nodes.lua", ScriptOutputType.INTEGER);

  private final RedisCalls calls;
  private final byte[] id = utf8(UUID.randomUUID().toString());
  private final @Nullable ScheduledExecutorService beats;
  private volatile int last = 1;

  NodeCount(RedisCalls calls, boolean wanted) {
    this.calls = calls;
    if (!wanted) {
      beats = null;
      return;
    }
    beats =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "escalera-ratelimit-nodes");
              thread.setDaemon(true);
              return thread;
            });
    beats.scheduleWithFixedDelay(this::beat, 0, BEAT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Returns the last count that was heard of, at least 1. */
  int last() {
    return last;
  }

  @Override
  public void close() {
    if (beats != null) {
      beats.shutdownNow();
    }
  }

  private void beat() {
    byte[][] keys = {utf8(KEY)};
    calls
        .<Long>call(
            redis -> NODES.run(redis, keys, id, utf8(Long.toString(3 * BEAT.toMillis()))),
            BEAT.toNanos())
        .whenComplete(
            (count, failure) -> {
              if (failure == null) {
                last = Math.max(1, count.intValue());
              } else {
                // The breaker and the limiter say what is wrong; the last count stands.
                log.debug("the nodes were not counted", failure);
              }
            });
  }
}
