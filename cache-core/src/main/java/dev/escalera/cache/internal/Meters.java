package dev.escalera.cache.internal;

import dev.escalera.cache.CacheStats;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** The figures of {@link CacheStats} as meters, read when the registry asks for them. */
final class Meters implements AutoCloseable {
  private static final String PREFIX = "escalera.cache.";

  private final MeterRegistry registry;
  private final Tags cache;
  private final List<Meter> registered = new ArrayList<>();

  Meters(MeterRegistry registry, String name, Counters counters, Supplier<CacheStats> stats) {
    this.registry = registry;
    this.cache = Tags.of("cache", name);
    counter("gets", counters.l1Hits, "tier", "l1", "result", "hit");
    counter("gets", counters.l2Hits, "tier", "l2", "result", "hit");
    counter("gets", counters.outageHits, "tier", "l1", "result", "outage");
    counter("gets", counters.staleServed, "tier", "any", "result", "stale");
    counter("gets", counters.misses, "tier", "any", "result", "miss");
    counter("load.failures", counters.loadFailures);
    counter("early.refreshes", counters.earlyRefreshes);
    counter("revalidated", counters.revalidated);
    counter("decode.failures", counters.decodeFailures);
    counter("fills.refused", counters.fillsRefused);
    counter("oversized", counters.oversized);
    counter("store.calls", counters.storeReads, "kind", "read");
    counter("store.calls", counters.storeWrites, "kind", "write");
    counter("store.failures", counters.storeFailures);
    counter("budget.exceeded", counters.budgetExceeded);
    counter("stale.detected", counters.staleDetected);
    counter("bytes", counters.bytesBefore, "compression", "before");
    counter("bytes", counters.bytesAfter, "compression", "after");
    registered.add(
        FunctionTimer.builder(
                PREFIX + "loads",
                counters,
                all -> all.loads.sum(),
                all -> all.loadNanos.sum(),
                TimeUnit.NANOSECONDS)
            .tags(cache)
            .register(registry));
    gauge("l1.size", stats, now -> now.l1Size());
    gauge("l1.coherent", stats, now -> now.fenced() ? 0 : 1);
    gauge("l1.fenced.seconds", stats, now -> now.fencedTime().toNanos() / 1e9);
    gauge("l2.available", stats, now -> now.l2Available() ? 1 : 0);
    gauge("pending.invalidations", stats, now -> now.pendingInvalidations());
    gauge("hit.ratio", stats, CacheStats::hitRate);
  }

  private void counter(String name, LongAdder counted, String... tags) {
    registered.add(
        FunctionCounter.builder(PREFIX + name, counted, LongAdder::sum)
            .tags(cache.and(tags))
            .register(registry));
  }

  private void gauge(String name, Supplier<CacheStats> stats, ToDoubleFunction<CacheStats> figure) {
    registered.add(
        Gauge.builder(PREFIX + name, stats, all -> figure.applyAsDouble(all.get()))
            .strongReference(true)
            .tags(cache)
            .register(registry));
  }

  /** Takes the meters of this cache from the registry. */
  @Override
  public void close() {
    registered.forEach(registry::remove);
  }
}
