package dev.escalera.examples.quickstart;

import com.google.cloud.firestore.Firestore;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.Optional;

/** The servers of this example and a client of each; a host of yours has both already. */
final class Servers implements AutoCloseable {
  private final RedisServer redisServer;
  private final Optional<FirestoreEmulator> emulator;
  private final RedisClient redis;
  private final Optional<Firestore> firestore;

  private Servers(RedisServer redisServer, Optional<FirestoreEmulator> emulator) {
    this.redisServer = redisServer;
    this.emulator = emulator;
    this.redis = RedisClient.create(redisServer.uri());
    this.firestore = emulator.map(started -> started.openClient("quickstart"));
  }

  static Servers start(boolean withFirestore) {
    RedisServer redis = RedisServer.start();
    try {
      return new Servers(
          redis, withFirestore ? Optional.of(FirestoreEmulator.start()) : Optional.empty());
    } catch (RuntimeException e) {
      redis.close();
      throw e;
    }
  }

  RedisClient redis() {
    return redis;
  }

  Optional<Firestore> firestore() {
    return firestore;
  }

  @Override
  public void close() {
    firestore.ifPresent(Firestore::shutdownNow);
    redis.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    emulator.ifPresent(FirestoreEmulator::close);
    redisServer.close();
  }
}
