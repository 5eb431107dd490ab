package dev.escalera.sharding.internal;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/** The traffic of collections as meters; removed when the router is closed. */
final class Meters implements AutoCloseable {
  private final MeterRegistry registry;
  private final List<Meter> meters = new ArrayList<>();

  Meters(MeterRegistry registry) {
    this.registry = registry;
  }

  void add(String router, String collection, Traffic traffic) {
    counter(router, collection, "buckets.made", "buckets", traffic.bucketsMade);
    counter(router, collection, "put", "documents", traffic.put);
    counter(router, collection, "updated", "documents", traffic.updated);
    counter(router, collection, "deleted", "documents", traffic.deleted);
    counter(router, collection, "gets", "calls", traffic.gets);
    counter(router, collection, "pages", "pages", traffic.pages);
    counter(router, collection, "reads", "documents", traffic.reads);
    counter(router, collection, "refusals", "calls", traffic.refusals);
    counter(router, collection, "failures", "calls", traffic.failures);
    meters.add(
        Gauge.builder("escalera.shard.write.rate", traffic, Traffic::writesASecond)
            .tags("router", router, "collection", collection)
            .baseUnit("documents per second")
            .register(registry));
  }

  @Override
  public void close() {
    meters.forEach(registry::remove);
  }

  private void counter(
      String router, String collection, String what, String unit, LongAdder adder) {
    meters.add(
        FunctionCounter.builder("escalera.shard." + what, adder, LongAdder::sum)
            .tags("router", router, "collection", collection)
            .baseUnit(unit)
            .register(registry));
  }
}
