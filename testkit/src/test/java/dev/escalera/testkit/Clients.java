package dev.escalera.testkit;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Ends clients of tests. */
final class Clients {
  private static final int SECONDS = 5;

  private Clients() {}

  /** An address whose calls end soon when a node is dead. */
  static RedisURI uri(String address) {
    RedisURI uri = RedisURI.create(address);
    uri.setTimeout(Duration.ofSeconds(2));
    return uri;
  }

  /** Begins the end; that of a client that is connecting to a dead node may take for ever. */
  static void end(AbstractRedisClient client) {
    client
        .shutdownAsync(0, SECONDS, TimeUnit.SECONDS)
        .completeOnTimeout(null, SECONDS, TimeUnit.SECONDS)
        .join();
  }
}
