package dev.escalera.batch.redis;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Checkpoints as strings. */
final class RedisCheckpoints implements CheckpointStore {
  private static final int MAX_CALLS = 100;

  private final RedisLink link;

  RedisCheckpoints(RedisClient client, Duration deadline) {
    this.link = new RedisLink(client, "the store of checkpoints", deadline, MAX_CALLS);
  }

  @Override
  public Optional<byte[]> load(String name) {
    return Optional.ofNullable(call("read", name, redis -> redis.get(key(name))));
  }

  @Override
  public void save(String name, byte[] checkpoint) {
    call("written", name, redis -> redis.set(key(name), checkpoint));
  }

  @Override
  public void delete(String name) {
    call("removed", name, redis -> redis.del(key(name)));
  }

  @Override
  public void close() {
    link.close();
  }

  private <R> @Nullable R call(
      String what,
      String name,
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<R>> command) {
    CompletableFuture<R> result = link.call(redis -> command.apply(redis.async()));
    try {
      return result.get();
    } catch (InterruptedException e) {
      result.cancel(true);
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted: the checkpoint of run \"" + name + "\"", e);
    } catch (ExecutionException e) {
      throw new BatchException(
          "the checkpoint of run \"" + name + "\" cannot be " + what, e.getCause());
    }
  }

  private static byte[] key(String name) {
    return ("escalera:checkpoint:" + Keys.escape(name)).getBytes(StandardCharsets.UTF_8);
  }
}
