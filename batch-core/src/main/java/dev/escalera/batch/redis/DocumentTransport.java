package dev.escalera.batch.redis;

import static dev.escalera.batch.redis.HashValues.utf8;

import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.Transform;
import dev.escalera.batch.internal.Fingerprint;
import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Replays;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Writes documents, each by one script. */
final class DocumentTransport implements Transport<DocumentWrite, Call> {
  private static final long MAX_DOCUMENT_BYTES = 1 << 20;
  private static final byte[] ONE = utf8("1");
  private static final byte[] NO_MARKER = utf8("0");
  private static final byte[] VALUE = utf8("v");
  private static final LuaScript WRITE = LuaScript.load("write.lua");

  private final Sender sender;
  private final boolean cluster;
  private final byte[] markerTtl;

  DocumentTransport(Route route, Duration idempotencyTtl) {
    this.sender = new Sender(route);
    this.cluster = route.isCluster();
    this.markerTtl = utf8(Long.toString(idempotencyTtl.toMillis()));
  }

  @Override
  public Prepared<Call> prepare(DocumentWrite write) {
    List<byte[]> keys = new ArrayList<>(2);
    List<byte[]> arguments = new ArrayList<>(4 + 3 * write.fields().size());
    arguments.add(ONE);
    add(write, keys, arguments);
    Call call = Call.script(WRITE, keys, arguments);
    long bytes = call.bytes();
    return Prepared.one(call, key(write), bytes, write.repeatable(), refusal(write, bytes));
  }

  @Override
  public Prepared<Call> prepareAtomic(List<? extends DocumentWrite> writes) {
    List<byte[]> keys = new ArrayList<>();
    List<byte[]> arguments = new ArrayList<>();
    List<Object> documents = new ArrayList<>();
    Throwable refusal = null;
    arguments.add(utf8(Integer.toString(writes.size())));
    for (DocumentWrite write : writes) {
      long before = bytes(arguments);
      add(write, keys, arguments);
      documents.add(key(write));
      refusal = refusal == null ? refusal(write, bytes(arguments) - before) : refusal;
    }
    Call call = Call.script(WRITE, keys, arguments);
    if (refusal == null && cluster) {
      refusal = slots(keys);
    }
    long keyed = writes.stream().filter(write -> write.idempotencyKey().isPresent()).count();
    if (keyed != 0 && keyed != writes.size()) {
      throw new IllegalArgumentException(
          keyed + " of " + writes.size() + " writes have an idempotency key, expected all or none");
    }
    boolean repeatable = writes.stream().allMatch(DocumentWrite::repeatable);
    return new Prepared<>(call, documents, call.bytes(), writes.size(), true, repeatable, refusal);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Call> batch) {
    return sender.send(batch);
  }

  @Override
  public DocumentWrite replayable(DocumentWrite write, String key) {
    return Replays.replayable(write, key);
  }

  @Override
  public long fingerprint(DocumentWrite write) {
    return Fingerprint.of(write);
  }

  @Override
  public void close() {
    sender.close();
  }

  private static String key(DocumentWrite write) {
    return RedisBatchExecutor.key(write.collection(), write.id());
  }

  private void add(DocumentWrite write, List<byte[]> keys, List<byte[]> arguments) {
    String name = Keys.escape(write.collection()) + ":" + Keys.escape(write.id());
    keys.add(utf8("escalera:doc:{" + name + "}"));
    write
        .idempotencyKey()
        .ifPresent(key -> keys.add(utf8("escalera:once:{" + name + "}:" + Keys.escape(key))));
    arguments.add(utf8(write.kind().name().toLowerCase(Locale.ROOT)));
    arguments.add(write.idempotencyKey().isPresent() ? markerTtl : NO_MARKER);
    arguments.add(utf8(Integer.toString(write.fields().size())));
    for (Map.Entry<String, @Nullable Object> field : write.fields().entrySet()) {
      arguments.add(utf8(field.getKey()));
      addValue(field.getValue(), arguments);
    }
  }

  private static void addValue(@Nullable Object value, List<byte[]> arguments) {
    if (value instanceof Transform.Increment increment) {
      arguments.add(utf8("i"));
      arguments.add(utf8(Long.toString(increment.by())));
    } else if (value instanceof Transform.ServerTimestamp) {
      arguments.add(utf8("t"));
      arguments.add(new byte[0]);
    } else if (value instanceof Transform.ArrayUnion union) {
      arguments.add(utf8("u"));
      arguments.add(HashValues.encode(union.elements()));
    } else if (value instanceof Transform.ArrayRemove remove) {
      arguments.add(utf8("r"));
      arguments.add(HashValues.encode(remove.elements()));
    } else if (value instanceof Transform.DeleteField) {
      arguments.add(utf8("d"));
      arguments.add(new byte[0]);
    } else {
      arguments.add(VALUE);
      arguments.add(HashValues.encode(value));
    }
  }

  private static @Nullable Throwable refusal(DocumentWrite write, long bytes) {
    if (bytes > MAX_DOCUMENT_BYTES) {
      return new IllegalArgumentException(
          "the write has " + bytes + " bytes, expected at most " + MAX_DOCUMENT_BYTES);
    }
    return write.updatedAt().isPresent()
        ? new IllegalArgumentException(
            "the write is conditional on an update time, which documents in Redis do not have")
        : null;
  }

  private static @Nullable Throwable slots(List<byte[]> keys) {
    Set<Integer> slots = new HashSet<>();
    keys.forEach(key -> slots.add(io.lettuce.core.cluster.SlotHash.getSlot(key)));
    return slots.size() == 1
        ? null
        : new IllegalArgumentException(
            "the writes are of " + slots.size() + " slots, expected one");
  }

  private static long bytes(List<byte[]> arguments) {
    return arguments.stream().mapToLong(argument -> argument.length).sum();
  }
}
