package dev.escalera.batch.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.CompleteableCommand;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.protocol.RedisCommand;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Commands that are written at once; of each the answer is known, or that there is none. Plain sets
 * go out as one MSET.
 */
final class Pipeline {
  /** What is known of a command. */
  record Answer(boolean answered, @Nullable String error, long value) {}

  private static final Answer NONE = new Answer(false, null, 0);
  private static final Answer DONE = new Answer(true, null, 0);

  private final List<Call> calls;
  private final Sent[] sentOf;
  private final List<RedisCommand<byte[], byte[], ?>> commands = new ArrayList<>();
  private final AtomicInteger missing = new AtomicInteger();
  private final CompletableFuture<Boolean> done = new CompletableFuture<>();
  private volatile boolean written;

  /**
   * Makes commands of calls.
   *
   * @param calls what is to be done
   * @param sets whether plain sets may share a command
   * @param asking whether their slots are still on their way to the server that they are sent to
   */
  Pipeline(List<Call> calls, boolean sets, boolean asking) {
    this.calls = calls;
    this.sentOf = new Sent[calls.size()];
    loadScripts();
    Sent mset = sets ? plainSets() : null;
    for (int i = 0; i < calls.size(); i++) {
      if (mset != null && calls.get(i).isPlainSet()) {
        sentOf[i] = mset;
      } else {
        if (asking) {
          // It holds for the next command.
          sent(CommandType.ASKING, new CommandArgs<>(ByteArrayCodec.INSTANCE));
        }
        sentOf[i] = sent(keyword(calls.get(i).command()), arguments(calls.get(i)));
      }
    }
  }

  /**
   * Writes all; completes when each has its answer, and fails when one has none or says that this
   * is a replica, so that the connection is given up.
   */
  CompletableFuture<Boolean> writeTo(StatefulRedisConnection<byte[], byte[]> redis) {
    missing.set(commands.size());
    written = true;
    redis.dispatch(commands);
    return done;
  }

  /** Whether anything may have reached Redis. */
  boolean isWritten() {
    return written;
  }

  Answer answer(int i) {
    Sent sent = sentOf[i];
    return sent.answer;
  }

  /** Whether a refusal of this one may be for another that shares its command. */
  boolean isShared(int i) {
    return calls.get(i).isPlainSet() && sentOf[i].shared;
  }

  private void loadScripts() {
    // They come first, so that nothing but a flush in between can make them unknown.
    Set<LuaScript> scripts = new LinkedHashSet<>();
    for (Call call : calls) {
      if (call.script() != null) {
        scripts.add(call.script());
      }
    }
    for (LuaScript script : scripts) {
      CommandArgs<byte[], byte[]> arguments =
          new CommandArgs<>(ByteArrayCodec.INSTANCE).add("LOAD").add(script.text());
      sent(CommandType.SCRIPT, arguments);
    }
  }

  private @Nullable Sent plainSets() {
    CommandArgs<byte[], byte[]> arguments = new CommandArgs<>(ByteArrayCodec.INSTANCE);
    int count = 0;
    for (Call call : calls) {
      if (call.isPlainSet()) {
        arguments.addKey(call.keys().get(0)).add(call.arguments().get(0));
        count++;
      }
    }
    if (count < 2) {
      return null;
    }
    Sent mset = sent(CommandType.MSET, arguments);
    mset.shared = true;
    return mset;
  }

  private Sent sent(ProtocolKeyword command, CommandArgs<byte[], byte[]> arguments) {
    Sent sent = new Sent(command, arguments);
    commands.add(sent);
    return sent;
  }

  private static CommandArgs<byte[], byte[]> arguments(Call call) {
    CommandArgs<byte[], byte[]> arguments = new CommandArgs<>(ByteArrayCodec.INSTANCE);
    LuaScript script = call.script();
    if (script != null) {
      arguments.add(script.sha1()).add(call.keys().size());
    }
    call.keys().forEach(arguments::addKey);
    call.arguments().forEach(arguments::add);
    return arguments;
  }

  private static ProtocolKeyword keyword(String command) {
    return switch (command) {
      case "EVALSHA" -> CommandType.EVALSHA;
      case "SET" -> CommandType.SET;
      default -> new Keyword(command);
    };
  }

  private void settle(@Nullable Throwable failure) {
    if (failure != null) {
      done.completeExceptionally(failure);
    }
    if (missing.decrementAndGet() == 0) {
      done.complete(true);
    }
  }

  /** A command of any name. */
  private record Keyword(String text) implements ProtocolKeyword {
    @Override
    public byte[] getBytes() {
      return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * A command that keeps its answer; without a future of its own, of which there would be many.
   * Lettuce cancels its time-out when it is told of the completion, and would hold the command
   * until then otherwise.
   */
  private final class Sent extends Command<byte[], byte[], Long>
      implements CompleteableCommand<Long> {
    volatile Answer answer = NONE;
    boolean shared;
    private @Nullable BiConsumer<? super Long, Throwable> listener;

    Sent(ProtocolKeyword command, CommandArgs<byte[], byte[]> arguments) {
      super(command, new AnyOutput(), arguments);
    }

    @Override
    public void onComplete(Consumer<? super Long> action) {
      onComplete((value, failure) -> action.accept(value));
    }

    @Override
    public synchronized void onComplete(BiConsumer<? super Long, Throwable> action) {
      BiConsumer<? super Long, Throwable> before = listener;
      listener =
          before == null
              ? action
              : (value, failure) -> {
                before.accept(value, failure);
                action.accept(value, failure);
              };
    }

    @Override
    public void complete() {
      super.complete();
      CommandOutput<byte[], byte[], Long> output = getOutput();
      String error = output.hasError() ? output.getError() : null;
      answer = error == null && output.get() == 0 ? DONE : new Answer(true, error, output.get());
      boolean replica = error != null && error.contains("READONLY ");
      end(replica ? new RedisCommandExecutionException(error) : null);
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
      boolean first = super.completeExceptionally(failure);
      end(failure);
      return first;
    }

    @Override
    public void cancel() {
      super.cancel();
      end(new CancellationException("the connection was closed"));
    }

    private void end(@Nullable Throwable failure) {
      BiConsumer<? super Long, Throwable> told;
      synchronized (this) {
        told = listener;
        listener = null;
      }
      if (told != null) {
        told.accept(getOutput().get(), failure);
      }
      settle(failure);
    }
  }

  /** Takes any answer; keeps a whole number. */
  private static final class AnyOutput extends CommandOutput<byte[], byte[], Long> {
    AnyOutput() {
      super(ByteArrayCodec.INSTANCE, 0L);
    }

    @Override
    public void set(long integer) {
      output = integer;
    }

    @Override
    public void set(@Nullable ByteBuffer bytes) {
      // Not looked at.
    }

    @Override
    public void set(double number) {
      // Not looked at.
    }

    @Override
    public void set(boolean value) {
      // Not looked at.
    }

    @Override
    public void multi(int count) {
      // Not looked at.
    }
  }
}
