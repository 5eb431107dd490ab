package dev.escalera.batch.redis;

import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes sure that what a connection was sent is not executed any more: by {@code CLIENT KILL} of it
 * from another connection to the same server, which knows it by its number and address.
 *
 * <p>A user without {@code +client|info +client|kill +info} has no fences; nor are there any when
 * another server answers.
 */
final class Fences {
  private static final Logger log = LoggerFactory.getLogger(Fences.class);

  private static final Pattern ID = Pattern.compile("(?:^| )id=(\\d+)");
  private static final Pattern ADDRESS = Pattern.compile(" addr=(\\S+)");
  private static final Pattern RUN_ID = Pattern.compile("run_id:(\\w+)");
  private static final long AGAIN_MILLIS = 200;

  /** How a server knows a connection. */
  record Identity(long id, String address, String runId) {}

  private final RedisLink link;
  private final BooleanSupplier deposed;
  private final Map<StatefulRedisConnection<byte[], byte[]>, CompletableFuture<Optional<Identity>>>
      identities = Collections.synchronizedMap(new WeakHashMap<>());
  private final Map<Identity, CompletableFuture<Boolean>> fences =
      Collections.synchronizedMap(new WeakHashMap<>());
  private volatile boolean closed;
  private volatile boolean warned;

  /**
   * Makes fences of a server.
   *
   * @param link to it
   * @param deposed whether what it still executes counts no more, as another has taken its place
   */
  Fences(RedisLink link, BooleanSupplier deposed) {
    this.link = link;
    this.deposed = deposed;
  }

  /** Finds out who a connection is, once; empty if the server does not say. */
  CompletableFuture<Optional<Identity>> identify(StatefulRedisConnection<byte[], byte[]> redis) {
    return identities.computeIfAbsent(redis, this::ask);
  }

  /**
   * Completes with true once nothing of the connection can be executed any more, with false if that
   * cannot be found out; asks until the server answers.
   */
  CompletableFuture<Boolean> fence(Identity lost) {
    return fences.computeIfAbsent(lost, this::kill);
  }

  void close() {
    closed = true;
  }

  private CompletableFuture<Optional<Identity>> ask(StatefulRedisConnection<byte[], byte[]> redis) {
    CompletableFuture<String> client =
        redis
            .async()
            .dispatch(
                CommandType.CLIENT,
                new StatusOutput<>(ByteArrayCodec.INSTANCE),
                new CommandArgs<>(ByteArrayCodec.INSTANCE).add("INFO"))
            .toCompletableFuture();
    CompletableFuture<String> server = redis.async().info("server").toCompletableFuture();
    return client
        .thenCombine(server, Fences::identity)
        .exceptionallyCompose(
            failure ->
                RedisLink.unwrap(failure) instanceof RedisCommandExecutionException
                    ? CompletableFuture.completedFuture(noIdentity(failure))
                    : CompletableFuture.failedFuture(failure));
  }

  private Optional<Identity> noIdentity(Throwable failure) {
    if (!warned) {
      warned = true;
      log.info("Redis does not let us fence connections: {}", RedisLink.unwrap(failure).toString());
    }
    return Optional.empty();
  }

  private static Optional<Identity> identity(String client, String server) {
    Matcher id = ID.matcher(client);
    Matcher address = ADDRESS.matcher(client);
    Matcher runId = RUN_ID.matcher(server);
    return id.find() && address.find() && runId.find()
        ? Optional.of(new Identity(Long.parseLong(id.group(1)), address.group(1), runId.group(1)))
        : Optional.empty();
  }

  private CompletableFuture<Boolean> kill(Identity lost) {
    if (closed) {
      return CompletableFuture.completedFuture(false);
    }
    return link.call(redis -> identify(redis).thenCompose(here -> kill(redis, here, lost)))
        .exceptionallyCompose(
            failure ->
                RedisLink.unwrap(failure) instanceof RedisCommandExecutionException refused
                    ? CompletableFuture.completedFuture(noIdentity(refused).isPresent())
                    : again(lost));
  }

  private static CompletableFuture<Boolean> kill(
      StatefulRedisConnection<byte[], byte[]> redis, Optional<Identity> here, Identity lost) {
    if (here.isEmpty() || !here.get().runId().equals(lost.runId())) {
      return CompletableFuture.completedFuture(false);
    }
    // If there is no such connection any more, the server has done with all that it sent.
    KillArgs one = KillArgs.Builder.id(lost.id()).addr(lost.address()).skipme();
    return redis.async().clientKill(one).toCompletableFuture().thenApply(count -> true);
  }

  private CompletableFuture<Boolean> again(Identity lost) {
    if (deposed.getAsBoolean()) {
      return CompletableFuture.completedFuture(true);
    }
    Executor later = CompletableFuture.delayedExecutor(AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    return CompletableFuture.supplyAsync(() -> kill(lost), later).thenCompose(result -> result);
  }
}
