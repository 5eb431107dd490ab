package dev.escalera.batch.redis;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.BatchLoaderBuilder;
import dev.escalera.batch.DocumentKey;
import dev.escalera.batch.internal.Loader;
import dev.escalera.batch.internal.Lookup;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Loads from Redis: strings by MGET, documents by a pipeline of HGETALL. */
public final class RedisBatchLoader {
  private static final int MAX_CALLS = 1_000;

  private RedisBatchLoader() {}

  /**
   * Starts a loader on Redis.
   *
   * @param client the host's client; the loader opens a connection of its own on it and closes no
   *     other
   * @return a builder
   */
  public static Builder builder(RedisClient client) {
    return new Builder(client);
  }

  /** Builds a {@link BatchLoader} on Redis. Not safe for use by several threads. */
  public static final class Builder extends BatchLoaderBuilder<Builder> {
    private final RedisClient client;
    private Duration deadline = Duration.ofSeconds(10);

    private Builder(RedisClient client) {
      this.client = Objects.requireNonNull(client, "client");
    }

    /**
     * Sets how long a call may take; 10 s by default.
     *
     * @param deadline from 1 ms to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      this.deadline = inRange("deadline", deadline, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Builds a loader of strings; a key that holds no string is as one that there is not. Waits for
     * a connection, 2 s at most, and goes on without one.
     *
     * @return a loader, to be closed
     */
    public BatchLoader<String, byte[]> build() {
      return new Loader<>(
          "RedisBatchLoader", options(), lookup((redis, keys) -> strings(redis, keys)));
    }

    /**
     * Builds a loader of documents that {@link RedisBatchExecutor} has written; waits as {@link
     * #build}.
     *
     * @return a loader, to be closed
     */
    public BatchLoader<DocumentKey, Map<String, @Nullable Object>> buildDocuments() {
      return new Loader<>(
          "RedisBatchLoader", options(), lookup((redis, keys) -> documents(redis, keys)));
    }

    @Override
    protected Builder self() {
      return this;
    }

    private <K, V> Lookup<K, V> lookup(Query<K, V> query) {
      return new LinkLookup<>(
          new RedisLink(client, "RedisBatchLoader", deadline, MAX_CALLS), query);
    }
  }

  /** What is asked on a connection. */
  private interface Query<K, V> {
    CompletableFuture<List<Lookup.Found<V>>> ask(
        StatefulRedisConnection<byte[], byte[]> redis, List<K> keys);
  }

  private record LinkLookup<K, V>(RedisLink link, Query<K, V> query) implements Lookup<K, V> {
    @Override
    public CompletableFuture<List<Found<V>>> load(List<K> keys) {
      return link.call(redis -> query.ask(redis, keys))
          .exceptionallyCompose(
              failure ->
                  CompletableFuture.failedFuture(
                      new BatchException(
                          "no answer from Redis: " + RedisLink.unwrap(failure).getMessage(),
                          RedisLink.unwrap(failure))));
    }

    @Override
    public void close() {
      link.close();
    }
  }

  private static CompletableFuture<List<Lookup.Found<byte[]>>> strings(
      StatefulRedisConnection<byte[], byte[]> redis, List<String> keys) {
    byte[][] encoded =
        keys.stream().map(key -> key.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    return redis.async().mget(encoded).toCompletableFuture().thenApply(RedisBatchLoader::values);
  }

  private static List<Lookup.Found<byte[]>> values(List<KeyValue<byte[], byte[]>> answers) {
    List<Lookup.Found<byte[]>> found = new ArrayList<>(answers.size());
    answers.forEach(answer -> found.add(new Lookup.Found<>(answer.getValueOrElse(null), null)));
    return found;
  }

  private static CompletableFuture<List<Lookup.Found<Map<String, @Nullable Object>>>> documents(
      StatefulRedisConnection<byte[], byte[]> redis, List<DocumentKey> keys) {
    List<CompletableFuture<Lookup.Found<Map<String, @Nullable Object>>>> answers =
        new ArrayList<>(keys.size());
    for (DocumentKey key : keys) {
      byte[] hash =
          RedisBatchExecutor.key(key.collection(), key.id()).getBytes(StandardCharsets.UTF_8);
      answers.add(
          redis
              .async()
              .hgetall(hash)
              .toCompletableFuture()
              .thenApply(RedisBatchLoader::document)
              .exceptionallyCompose(RedisBatchLoader::ofItsKey));
    }
    return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
  }

  private static Lookup.Found<Map<String, @Nullable Object>> document(Map<byte[], byte[]> hash) {
    if (hash.isEmpty()) {
      return new Lookup.Found<>(null, null);
    }
    Map<String, String> text = new LinkedHashMap<>();
    Function<byte[], String> utf8 = bytes -> new String(bytes, StandardCharsets.UTF_8);
    hash.forEach((name, value) -> text.put(utf8.apply(name), utf8.apply(value)));
    return new Lookup.Found<>(HashValues.decode(text), null);
  }

  /** What Redis refuses, or cannot be decoded, is the failure of one key, and no other's. */
  private static CompletableFuture<Lookup.Found<Map<String, @Nullable Object>>> ofItsKey(
      Throwable failure) {
    Throwable cause = RedisLink.unwrap(failure);
    boolean own =
        cause instanceof RedisCommandExecutionException
            || cause instanceof IllegalArgumentException;
    return own
        ? CompletableFuture.completedFuture(
            new Lookup.Found<>(null, new BatchException(String.valueOf(cause.getMessage()), null)))
        : CompletableFuture.failedFuture(cause);
  }
}
