package dev.escalera.cache.internal;

import java.util.concurrent.atomic.LongAdder;

/** What a cache counts. */
final class Counters {
  final LongAdder l1Hits = new LongAdder();
  final LongAdder l2Hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder outageHits = new LongAdder();
  final LongAdder staleServed = new LongAdder();
  final LongAdder loads = new LongAdder();
  final LongAdder loadFailures = new LongAdder();
  final LongAdder loadNanos = new LongAdder();
  final LongAdder earlyRefreshes = new LongAdder();
  final LongAdder revalidated = new LongAdder();
  final LongAdder decodeFailures = new LongAdder();
  final LongAdder fillsRefused = new LongAdder();
  final LongAdder oversized = new LongAdder();
  final LongAdder storeReads = new LongAdder();
  final LongAdder storeWrites = new LongAdder();
  final LongAdder storeFailures = new LongAdder();
  final LongAdder budgetExceeded = new LongAdder();
  final LongAdder bytesBefore = new LongAdder();
  final LongAdder bytesAfter = new LongAdder();
  final LongAdder staleDetected = new LongAdder();
}
