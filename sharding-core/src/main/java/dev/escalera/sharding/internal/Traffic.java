package dev.escalera.sharding.internal;

import dev.escalera.sharding.Distribution;
import dev.escalera.sharding.ShardStats;
import dev.escalera.sharding.ShardedCollection;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/** What goes through one router for one collection. Safe for use by any number of threads. */
final class Traffic {
  final LongAdder bucketsMade = new LongAdder();
  final LongAdder put = new LongAdder();
  final LongAdder updated = new LongAdder();
  final LongAdder deleted = new LongAdder();
  final LongAdder gets = new LongAdder();
  final LongAdder pages = new LongAdder();
  final LongAdder reads = new LongAdder();
  final LongAdder refusals = new LongAdder();
  final LongAdder failures = new LongAdder();

  private final HotKeys hotKeys = new HotKeys();
  private final Rate rate;
  private final ShardedCollection collection;

  Traffic(ShardedCollection collection, LongSupplier nanoTime) {
    this.collection = collection;
    this.rate = new Rate(nanoTime);
  }

  /** Takes note of a document that was written to a partition. */
  void written(String partition) {
    rate.add();
    hotKeys.add(partition);
  }

  double writesASecond() {
    return rate.perSecond();
  }

  List<Distribution.HotKey> hotKeys() {
    return hotKeys.top();
  }

  ShardStats.OfCollection stats() {
    return new ShardStats.OfCollection(
        collection,
        bucketsMade.sum(),
        put.sum(),
        updated.sum(),
        deleted.sum(),
        gets.sum(),
        pages.sum(),
        reads.sum(),
        refusals.sum(),
        failures.sum());
  }
}
