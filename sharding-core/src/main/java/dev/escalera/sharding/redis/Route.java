package dev.escalera.sharding.redis;

import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** The way to the server of a key. */
interface Route extends AutoCloseable {
  /** Sends what {@code command} issues to the server of a key; completes within a deadline. */
  <T> CompletableFuture<T> call(
      String key,
      Function<RedisAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command);

  /** Returns whether one script may use both keys. */
  default boolean isTogether(String key, String other) {
    return true;
  }

  @Override
  void close();

  /** Returns the way to one server. */
  static Route to(RedisLink link) {
    return new Route() {
      @Override
      public <T> CompletableFuture<T> call(
          String key,
          Function<RedisAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command) {
        return link.call(redis -> command.apply(redis.async()));
      }

      @Override
      public void close() {
        link.close();
      }
    };
  }
}
