package dev.escalera.cache.redis;

import io.lettuce.core.RedisClient;
import java.util.concurrent.CompletableFuture;

/** The servers that hold the keys, by the stripe of a key: those of one stripe share a server. */
interface Servers extends AutoCloseable {
  int stripes();

  /** The hash tag that all keys of a stripe bear; nothing where one server holds all. */
  String tag(int stripe);

  /** Returns a client of the server that has a stripe; fails if none is known. */
  CompletableFuture<RedisClient> client(int stripe);

  /** Asks anew who has what, after a server failed or did not have what it was asked for. */
  CompletableFuture<Void> refresh();

  /** Gives up the clients that were made here. */
  @Override
  void close();

  /** One server, or the primary that Sentinel names. */
  static Servers one(RedisClient client) {
    CompletableFuture<RedisClient> known = CompletableFuture.completedFuture(client);
    return new Servers() {
      @Override
      public int stripes() {
        return 1;
      }

      @Override
      public String tag(int stripe) {
        return "";
      }

      @Override
      public CompletableFuture<RedisClient> client(int stripe) {
        return known;
      }

      @Override
      public CompletableFuture<Void> refresh() {
        return CompletableFuture.completedFuture(null);
      }

      @Override
      public void close() {
        // It is the host's.
      }
    };
  }
}
