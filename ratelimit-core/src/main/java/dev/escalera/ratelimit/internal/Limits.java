package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The limits of one rate limiter, and the checks of what is asked of them. */
public final class Limits {
  private static final int MAX_SUBJECT_BYTES = 1_024;

  private final Map<String, Entry> byName;
  private final Counters counters;

  private record Entry(
      @Nullable Limit limit, @Nullable Figures figures, @Nullable Function<String, Limit> plan) {}

  /** Collects the limits for a builder. */
  public static final class Builder {
    private final List<Limit> limits = new ArrayList<>();
    private final Map<String, Function<String, Limit>> plans = new LinkedHashMap<>();
    private @Nullable String twice;

    public void add(Limit limit) {
      limits.add(Objects.requireNonNull(limit, "limit"));
    }

    public void add(String name, Function<String, Limit> plan) {
      Limit.of(name, 1, Duration.ofSeconds(1)); // Checks the name.
      if (plans.put(name, Objects.requireNonNull(plan, "plan")) != null) {
        twice = name;
      }
    }

    /** Throws IllegalStateException if there is none, or two have one name. */
    public Limits build() {
      return new Limits(this);
    }
  }

  private Limits(Builder builder) {
    byName = new LinkedHashMap<>();
    if (builder.limits.isEmpty() && builder.plans.isEmpty()) {
      throw new IllegalStateException("no limit was given, expected at least one");
    }
    if (builder.twice != null) {
      throw new IllegalStateException("limit \"" + builder.twice + "\" was given twice");
    }
    for (Limit limit : builder.limits) {
      add(limit.name(), limit, null);
    }
    builder.plans.forEach((name, plan) -> add(name, null, plan));
    counters = new Counters(byName.keySet());
  }

  private void add(String name, @Nullable Limit limit, @Nullable Function<String, Limit> plan) {
    Entry entry = new Entry(limit, limit == null ? null : Figures.of(limit), plan);
    if (byName.put(name, entry) != null) {
      throw new IllegalStateException("limit \"" + name + "\" was given twice");
    }
  }

  public Counters counters() {
    return counters;
  }

  /** Returns the buckets that are asked for, after checking the request. */
  public List<Target> check(Permits permits) {
    List<Permits.Permit> buckets = permits.buckets();
    if (buckets.size() == 1) {
      return List.of(check(buckets.get(0), permits.cost()));
    }
    List<Target> targets = new ArrayList<>(buckets.size());
    for (Permits.Permit bucket : buckets) {
      targets.add(check(bucket, permits.cost()));
    }
    return targets;
  }

  private Target check(Permits.Permit permit, long cost) {
    String name = permit.limit();
    Entry entry = byName.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "there is no limit \"" + Keys.escape(name) + "\", expected one of " + byName.keySet());
    }
    int bytes = Keys.utf8Length(permit.subject());
    if (bytes == 0 || bytes > MAX_SUBJECT_BYTES) {
      throw new IllegalArgumentException(
          "the subject has " + bytes + " bytes in UTF-8, expected 1 to " + MAX_SUBJECT_BYTES);
    }
    Limit limit = entry.limit != null ? entry.limit : planned(entry, permit);
    if (cost > limit.burst()) {
      throw new IllegalArgumentException(
          "cost is "
              + cost
              + ", which limit \""
              + name
              + "\" can never admit: its burst is "
              + limit.burst());
    }
    return new Target(
        new Target.Key(name, permit.subject()),
        limit,
        entry.figures != null ? entry.figures : Figures.of(limit));
  }

  private static Limit planned(Entry entry, Permits.Permit permit) {
    String what = "limit \"" + permit.limit() + "\" for \"" + Keys.escape(permit.subject()) + "\"";
    Limit limit;
    try {
      limit = Objects.requireNonNull(entry.plan, "plan").apply(permit.subject());
    } catch (RuntimeException e) {
      throw new RateLimitException("the plan failed to give " + what, e);
    }
    if (limit == null || !limit.name().equals(permit.limit())) {
      throw new RateLimitException(
          "the plan gave " + limit + " as " + what + ", expected one of that name", null);
    }
    return limit;
  }
}
