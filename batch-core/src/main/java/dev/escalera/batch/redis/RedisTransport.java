package dev.escalera.batch.redis;

import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisLoadingException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.output.IntegerOutput;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.RedisCommand;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Sends a batch as one pipeline of scripts. */
final class RedisTransport implements Transport<DocumentWrite, RedisTransport.Call> {
  /** A write as the arguments of the script. */
  record Call(String key, List<byte[]> arguments) {}

  private static final int MAX_CALLS = 1_000;
  private static final long MAX_DOCUMENT_BYTES = 1 << 20;

  /** At the start, or where Redis before 7 puts it when a command of a script was refused. */
  private static final Pattern PASSING = Pattern.compile("(^|-|: )(OOM|BUSY|READONLY|MASTERDOWN) ");

  private static final LuaScript WRITE = LuaScript.load("write.lua");

  private final RedisLink link;

  RedisTransport(RedisClient client, Duration deadline) {
    this.link = new RedisLink(client, "RedisBatchExecutor", deadline, MAX_CALLS);
  }

  @Override
  public Prepared<Call> prepare(DocumentWrite write) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(utf8(kind(write)));
    if (write instanceof DocumentWrite.Increment increment) {
      arguments.add(utf8(increment.field()));
      arguments.add(utf8(Long.toString(increment.by())));
    } else {
      fields(write)
          .forEach(
              (name, value) -> {
                arguments.add(utf8(name));
                arguments.add(utf8(HashValues.encode(value)));
              });
    }
    String key = RedisBatchExecutor.key(write.collection(), write.id());
    long bytes = key.length() + arguments.stream().mapToLong(argument -> argument.length).sum();
    boolean repeatable =
        !(write instanceof DocumentWrite.Create || write instanceof DocumentWrite.Increment);
    IllegalArgumentException refusal =
        bytes <= MAX_DOCUMENT_BYTES
            ? null
            : new IllegalArgumentException(
                "the write has " + bytes + " bytes, expected at most " + MAX_DOCUMENT_BYTES);
    return new Prepared<>(new Call(key, arguments), key, bytes, repeatable, refusal);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Call> batch) {
    List<AsyncCommand<byte[], byte[], Long>> commands =
        batch.stream().map(RedisTransport::command).toList();
    return link.call(redis -> dispatch(redis, commands))
        .handle((sent, failure) -> replies(commands, failure));
  }

  @Override
  public void close() {
    link.close();
  }

  /**
   * Completes when every command has an answer; fails if one has none, so that the connection is
   * given up.
   */
  private static CompletableFuture<Boolean> dispatch(
      StatefulRedisConnection<byte[], byte[]> redis,
      List<AsyncCommand<byte[], byte[], Long>> commands) {
    List<RedisCommand<byte[], byte[], ?>> pipeline = new ArrayList<>(commands.size() + 1);
    // The script comes first, so that nothing but a flush in between can make it unknown.
    AsyncCommand<byte[], byte[], String> load = load();
    pipeline.add(load);
    pipeline.addAll(commands);
    redis.dispatch(pipeline);
    CompletableFuture<?>[] answered =
        commands.stream().map(RedisTransport::answered).toArray(CompletableFuture<?>[]::new);
    return CompletableFuture.allOf(answered).thenApply(all -> true);
  }

  private static CompletableFuture<Boolean> answered(AsyncCommand<byte[], byte[], Long> command) {
    return command
        .toCompletableFuture()
        .handle((value, failure) -> failure)
        .thenCompose(
            failure ->
                failure == null || isAnswer(RedisLink.unwrap(failure))
                    ? CompletableFuture.completedFuture(true)
                    : CompletableFuture.failedFuture(failure));
  }

  /** Whether the connection is good; the link gives one to a replica up. */
  private static boolean isAnswer(Throwable failure) {
    return failure instanceof RedisCommandExecutionException
        && !String.valueOf(failure.getMessage()).contains("READONLY ");
  }

  private static List<Reply> replies(
      List<AsyncCommand<byte[], byte[], Long>> commands, @Nullable Throwable failure) {
    List<Reply> replies = new ArrayList<>(commands.size());
    for (AsyncCommand<byte[], byte[], Long> command : commands) {
      replies.add(reply(command, failure));
    }
    return replies;
  }

  private static Reply reply(
      AsyncCommand<byte[], byte[], Long> command, @Nullable Throwable failure) {
    if (failure != null
        && RedisLink.unwrap(failure) instanceof RedisLink.NotSentException notSent) {
      return Reply.notApplied(notSent);
    }
    if (!command.isDone()) {
      Throwable cause =
          failure == null ? new TimeoutException("no answer") : RedisLink.unwrap(failure);
      return Reply.unknown(cause);
    }
    Throwable own = failureOf(command);
    if (own == null) {
      return Reply.APPLIED;
    }
    if (own instanceof RedisNoScriptException
        || own instanceof RedisLoadingException
        || isRefusedForNow(own)) {
      return Reply.notApplied(own);
    }
    return own instanceof RedisCommandExecutionException ? Reply.refused(own) : Reply.unknown(own);
  }

  private static @Nullable Throwable failureOf(AsyncCommand<byte[], byte[], Long> command) {
    return command
        .handle((value, failure) -> failure == null ? null : RedisLink.unwrap(failure))
        .toCompletableFuture()
        .getNow(null);
  }

  /**
   * Errors that pass, and that come before the script has written: its first write is one that
   * Redis may refuse.
   */
  private static boolean isRefusedForNow(Throwable failure) {
    return PASSING.matcher(String.valueOf(failure.getMessage())).find();
  }

  private static AsyncCommand<byte[], byte[], Long> command(Call call) {
    CommandArgs<byte[], byte[]> arguments =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add(WRITE.sha1())
            .add(1)
            .addKey(utf8(call.key()));
    call.arguments().forEach(arguments::add);
    CommandOutput<byte[], byte[], Long> output = new IntegerOutput<>(ByteArrayCodec.INSTANCE);
    return new AsyncCommand<>(new Command<>(CommandType.EVALSHA, output, arguments));
  }

  private static AsyncCommand<byte[], byte[], String> load() {
    CommandArgs<byte[], byte[]> arguments =
        new CommandArgs<>(ByteArrayCodec.INSTANCE).add("LOAD").add(WRITE.text());
    return new AsyncCommand<>(
        new Command<>(CommandType.SCRIPT, new StatusOutput<>(ByteArrayCodec.INSTANCE), arguments));
  }

  private static String kind(DocumentWrite write) {
    return write.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static Map<String, @Nullable Object> fields(DocumentWrite write) {
    if (write instanceof DocumentWrite.Set set) {
      return set.fields();
    }
    if (write instanceof DocumentWrite.Merge merge) {
      return merge.fields();
    }
    if (write instanceof DocumentWrite.Create create) {
      return create.fields();
    }
    return write instanceof DocumentWrite.Update update ? update.fields() : Map.of();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
