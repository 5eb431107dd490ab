package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.RateLimiterOptions;
import dev.escalera.ratelimit.RateLimiterStats;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** What a rate limiter did; read by stats and meters, so that a decision costs one addition. */
public final class Counters {
  private static final DecisionSource[] SOURCES = DecisionSource.values();

  private final Map<String, OfLimit> limits = new LinkedHashMap<>();
  public final LongAdder remoteCalls = new LongAdder();
  public final LongAdder remoteDecisions = new LongAdder();
  public final LongAdder leased = new LongAdder();
  public final LongAdder wasted = new LongAdder();
  public final LongAdder debited = new LongAdder();
  public final LongAdder lostDebits = new LongAdder();

  /** What was registered, and where. Guarded by this. */
  private final List<Meter> meters = new ArrayList<>();

  private @Nullable MeterRegistry registered;

  /** The decisions of one limit. */
  public static final class OfLimit {
    private final String name;
    private final Map<DecisionSource, LongAdder> admitted = adders();
    private final Map<DecisionSource, LongAdder> denied = adders();

    private OfLimit(String name) {
      this.name = name;
    }

    /** Counts the decision, and returns it. */
    public Decision count(Decision decision) {
      adder(decision.allowed() ? admitted : denied, decision.source()).increment();
      return decision;
    }

    private static Map<DecisionSource, LongAdder> adders() {
      Map<DecisionSource, LongAdder> adders = new EnumMap<>(DecisionSource.class);
      for (DecisionSource source : SOURCES) {
        adders.put(source, new LongAdder());
      }
      return adders;
    }
  }

  public Counters(Collection<String> names) {
    names.forEach(name -> limits.put(name, new OfLimit(name)));
  }

  public Decision count(Decision decision) {
    return of(decision.limit().name()).count(decision);
  }

  OfLimit of(String name) {
    return Objects.requireNonNull(limits.get(name));
  }

  public RateLimiterStats stats(BooleanSupplier breakerOpen, IntSupplier nodes) {
    Map<DecisionSource, Long> admitted = new EnumMap<>(DecisionSource.class);
    Map<DecisionSource, Long> denied = new EnumMap<>(DecisionSource.class);
    for (DecisionSource source : SOURCES) {
      admitted.put(source, sum(limit -> adder(limit.admitted, source)));
      denied.put(source, sum(limit -> adder(limit.denied, source)));
    }
    return new RateLimiterStats(
        admitted,
        denied,
        remoteCalls.sum(),
        remoteDecisions.sum(),
        leased.sum(),
        wasted.sum(),
        debited.sum(),
        lostDebits.sum(),
        breakerOpen.getAsBoolean(),
        nodes.getAsInt());
  }

  private long sum(Function<OfLimit, LongAdder> which) {
    return limits.values().stream().map(which).mapToLong(LongAdder::sum).sum();
  }

  private static LongAdder adder(Map<DecisionSource, LongAdder> adders, DecisionSource source) {
    return Objects.requireNonNull(adders.get(source));
  }

  /** Registers meters that read these counters, if the options want them. */
  public synchronized void bind(
      RateLimiterOptions options, BooleanSupplier breakerOpen, IntSupplier nodes) {
    MeterRegistry registry = options.meterRegistry().orElse(null);
    if (registry == null) {
      return;
    }
    registered = registry;
    String name = options.name();
    for (OfLimit limit : limits.values()) {
      for (DecisionSource source : SOURCES) {
        LongAdder admitted = adder(limit.admitted, source);
        LongAdder denied = adder(limit.denied, source);
        meters.add(decisions(registry, name, limit, "admitted", source, admitted));
        meters.add(decisions(registry, name, limit, "denied", source, denied));
      }
    }
    meters.add(counter(registry, name, "remote.calls", "Calls to the store", remoteCalls));
    meters.add(
        counter(
            registry,
            name,
            "remote.decisions",
            "Decisions of those calls; over the calls, the merge factor",
            remoteDecisions));
    meters.add(counter(registry, name, "lease.tokens", "Tokens taken ahead of their use", leased));
    meters.add(
        counter(registry, name, "lease.wasted", "Leased tokens that expired unused", wasted));
    meters.add(
        counter(
            registry, name, "debits", "Tokens admitted without the store, told later", debited));
    meters.add(
        counter(
            registry,
            name,
            "debits.lost",
            "Tokens admitted without the store, not told",
            lostDebits));
    meters.add(
        Gauge.builder("escalera.ratelimit.breaker.open", () -> breakerOpen.getAsBoolean() ? 1 : 0)
            .description("1 while calls to the store are held back")
            .tag("name", name)
            .register(registry));
    meters.add(
        Gauge.builder("escalera.ratelimit.nodes", nodes::getAsInt)
            .description("Nodes thought to share the limits")
            .tag("name", name)
            .register(registry));
  }

  /** Removes the meters. */
  synchronized void unbind() {
    if (registered != null) {
      meters.forEach(registered::remove);
      meters.clear();
    }
  }

  private static Meter decisions(
      MeterRegistry registry,
      String name,
      OfLimit limit,
      String outcome,
      DecisionSource source,
      LongAdder adder) {
    return FunctionCounter.builder("escalera.ratelimit.decisions", adder, LongAdder::sum)
        .description("Decisions")
        .tags("name", name, "limit", limit.name, "outcome", outcome)
        .tag("source", source.name().toLowerCase(Locale.ROOT))
        .register(registry);
  }

  private static Meter counter(
      MeterRegistry registry, String name, String what, String description, LongAdder adder) {
    return FunctionCounter.builder("escalera.ratelimit." + what, adder, LongAdder::sum)
        .description(description)
        .tag("name", name)
        .register(registry);
  }
}
