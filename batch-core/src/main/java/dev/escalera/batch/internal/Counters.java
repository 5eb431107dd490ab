package dev.escalera.batch.internal;

import dev.escalera.batch.WriteStatus;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What an engine has done; read by anyone at any time. */
final class Counters {
  private final Map<WriteStatus, LongAdder> settled = new EnumMap<>(WriteStatus.class);
  final LongAdder batches = new LongAdder();
  final LongAdder batchNanos = new LongAdder();
  final LongAdder retries = new LongAdder();
  final AtomicInteger activeBatches = new AtomicInteger();

  Counters() {
    for (WriteStatus status : WriteStatus.values()) {
      settled.put(status, new LongAdder());
    }
  }

  void settled(WriteStatus status, int weight) {
    adder(status).add(weight);
  }

  long settled(WriteStatus status) {
    return adder(status).sum();
  }

  private LongAdder adder(WriteStatus status) {
    return Objects.requireNonNull(settled.get(status));
  }
}
