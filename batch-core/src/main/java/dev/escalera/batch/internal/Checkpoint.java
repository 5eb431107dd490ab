package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongUnaryOperator;
import java.util.zip.CRC32C;

/** What is settled of a run. Not safe for use by several threads. */
final class Checkpoint {
  /** How far above the watermark an operation may be. */
  static final int MAX_AHEAD = 1 << 16;

  static final int SLOTS = MAX_AHEAD + 1;
  static final long FIRST_HASH = 0x9E3779B97F4A7C15L;

  private static final int MAGIC = 0x45534301;
  private static final int MAX_CAUSE = 100;
  private static final int CHECKSUM_BYTES = 4;

  /** Why an operation was not applied. */
  private record Failure(WriteStatus status, String cause) {}

  private final long run;
  private long watermark;
  private long hash = FIRST_HASH;

  /** What is settled from the watermark on, by index modulo the number of slots. */
  private final BitSet ahead = new BitSet(SLOTS);

  private final TreeMap<Long, Failure> failures = new TreeMap<>();

  private Checkpoint(long run) {
    this.run = run;
  }

  static Checkpoint begin(long run) {
    return new Checkpoint(run);
  }

  static int slot(long index) {
    return (int) (index % SLOTS);
  }

  /** Mixes as the finalizer of MurmurHash3 does (Appleby, 2011). */
  static long hash(long before, long operation) {
    long mixed = before * 0x9E3779B97F4A7C15L + operation;
    mixed = (mixed ^ mixed >>> 33) * 0xFF51AFD7ED558CCDL;
    mixed = (mixed ^ mixed >>> 33) * 0xC4CEB9FE1A85EC53L;
    return mixed ^ mixed >>> 33;
  }

  Checkpoint copy() {
    Checkpoint copy = new Checkpoint(run);
    copy.watermark = watermark;
    copy.hash = hash;
    copy.ahead.or(ahead);
    copy.failures.putAll(failures);
    return copy;
  }

  /** A number of its own, by which idempotency keys of different runs differ. */
  long run() {
    return run;
  }

  long watermark() {
    return watermark;
  }

  long hash() {
    return hash;
  }

  int failures() {
    return failures.size();
  }

  void settled(WriteResult result, LongUnaryOperator hashes) {
    if (!result.applied()) {
      String cause = result.cause().map(String::valueOf).orElse("");
      failures.put(result.index(), new Failure(result.status(), shortened(cause)));
    }
    ahead.set(slot(result.index()));
    while (ahead.get(slot(watermark))) {
      ahead.clear(slot(watermark));
      hash = hashes.applyAsLong(watermark);
      watermark++;
    }
  }

  /** Returns the result of an operation that is settled. */
  Optional<WriteResult> result(long index) {
    boolean settled = index < watermark || (index - watermark < SLOTS && ahead.get(slot(index)));
    if (!settled) {
      return Optional.empty();
    }
    Failure failure = failures.get(index);
    return Optional.of(
        failure == null
            ? new WriteResult(index, Optional.empty(), WriteStatus.APPLIED, 0, Optional.empty())
            : new WriteResult(
                index,
                Optional.empty(),
                failure.status,
                0,
                Optional.of(new BatchException(failure.cause, null))));
  }

  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(MAGIC);
      out.writeLong(run);
      out.writeLong(watermark);
      out.writeLong(hash);
      byte[] bits = relative().toByteArray();
      out.writeInt(bits.length);
      out.write(bits);
      out.writeInt(failures.size());
      for (var entry : failures.entrySet()) {
        out.writeLong(entry.getKey());
        out.writeByte(entry.getValue().status == WriteStatus.FAILED ? 0 : 1);
        out.writeUTF(entry.getValue().cause);
      }
      out.writeInt(checksum(bytes.toByteArray(), bytes.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static Checkpoint decode(String name, byte[] encoded) {
    int length = encoded.length - CHECKSUM_BYTES;
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(encoded))) {
      if (length < 0 || in.readInt() != MAGIC) {
        throw new IOException("it is none, or of another version");
      }
      if (checksum(encoded, length) != lastInt(encoded)) {
        throw new IOException("its checksum is wrong");
      }
      Checkpoint checkpoint = new Checkpoint(in.readLong());
      checkpoint.watermark = in.readLong();
      checkpoint.hash = in.readLong();
      BitSet.valueOf(in.readNBytes(inRange(in.readInt(), SLOTS / 8 + 1))).stream()
          .forEach(i -> checkpoint.ahead.set(slot(checkpoint.watermark + i)));
      int count = inRange(in.readInt(), Journal.MAX_FAILURES);
      for (int i = 0; i < count; i++) {
        long index = in.readLong();
        WriteStatus status = in.readByte() == 0 ? WriteStatus.FAILED : WriteStatus.UNKNOWN;
        checkpoint.failures.put(index, new Failure(status, in.readUTF()));
      }
      return checkpoint;
    } catch (IOException e) {
      throw new BatchException("the checkpoint of run \"" + name + "\" cannot be read", e);
    }
  }

  private BitSet relative() {
    BitSet bits = new BitSet(SLOTS);
    ahead.stream().forEach(slot -> bits.set(Math.floorMod(slot - slot(watermark), SLOTS)));
    return bits;
  }

  private static int inRange(int value, int most) throws IOException {
    if (value < 0 || value > most) {
      throw new IOException("a length in it is " + value + ", expected 0 to " + most);
    }
    return value;
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private static int lastInt(byte[] bytes) {
    byte[] last = Arrays.copyOfRange(bytes, bytes.length - CHECKSUM_BYTES, bytes.length);
    return new java.math.BigInteger(last).intValue();
  }

  private static String shortened(String cause) {
    return cause.length() <= MAX_CAUSE ? cause : cause.substring(0, MAX_CAUSE);
  }
}
