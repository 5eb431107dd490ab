package dev.escalera.batch.internal;

import dev.escalera.batch.WriteStatus;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The meters of an executor, for as long as it is open. */
final class Meters implements AutoCloseable {
  private final MeterRegistry registry;
  private final List<Meter> meters = new ArrayList<>();
  private final Timer batches;

  Meters(MeterRegistry registry, String name, Counters counters, Room room, Pace pace) {
    this.registry = registry;
    Tags tags = Tags.of("name", name);
    meters.add(
        Gauge.builder("escalera.batch.pending", room, Room::operations)
            .description("Operations that wait or are in flight")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder("escalera.batch.pending.size", room, Room::bytes)
            .description("Bytes of the operations that wait or are in flight")
            .baseUnit("bytes")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder("escalera.batch.active", counters, c -> c.activeBatches.get())
            .description("Batches in flight")
            .tags(tags)
            .register(registry));
    meters.add(
        Gauge.builder(
                "escalera.batch.rate.limit", pace, p -> p.limit().orElse(Double.POSITIVE_INFINITY))
            .description("Operations a second that may be sent")
            .tags(tags)
            .register(registry));
    meters.add(
        FunctionCounter.builder("escalera.batch.retries", counters, c -> c.retries.sum())
            .description("Operations sent again")
            .tags(tags)
            .register(registry));
    for (WriteStatus status : WriteStatus.values()) {
      meters.add(
          FunctionCounter.builder("escalera.batch.operations", counters, c -> c.settled(status))
              .description("Operations by what became of them")
              .tags(tags.and("outcome", status.name().toLowerCase(Locale.ROOT)))
              .register(registry));
    }
    batches =
        Timer.builder("escalera.batch.batches")
            .description("Batches and the time until their answers")
            .tags(tags)
            .register(registry);
    meters.add(batches);
  }

  void batch(long nanos) {
    batches.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    meters.forEach(registry::remove);
  }
}
