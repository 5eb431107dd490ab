package dev.escalera.cache.internal;

import java.util.concurrent.atomic.LongAdder;

/** What a cache counts. */
final class Counters {
  final LongAdder l1Hits = new LongAdder();
  final LongAdder l2Hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder loads = new LongAdder();
  final LongAdder loadFailures = new LongAdder();
  final LongAdder loadNanos = new LongAdder();
  final LongAdder decodeFailures = new LongAdder();
  final LongAdder fillsRefused = new LongAdder();
  final LongAdder oversized = new LongAdder();
  final LongAdder storeReads = new LongAdder();
  final LongAdder storeWrites = new LongAdder();
  final LongAdder storeFailures = new LongAdder();
  final LongAdder budgetExceeded = new LongAdder();
}
