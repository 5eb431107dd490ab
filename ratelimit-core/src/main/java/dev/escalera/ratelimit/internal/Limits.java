package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiterOptions;
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

  public Limits(RateLimiterOptions options) {
    byName = new LinkedHashMap<>();
    for (Limit limit : options.limits()) {
      byName.put(limit.name(), new Entry(limit, Figures.of(limit), null));
    }
    options.plans().forEach((name, plan) -> byName.put(name, new Entry(null, null, plan)));
    counters = new Counters(byName.keySet());
  }

  public Counters counters() {
    return counters;
  }

  /** Throws IllegalStateException if there is no limit of that name. */
  public void require(String name) {
    if (!byName.containsKey(name)) {
      throw new IllegalStateException(
          "there is no limit \"" + Keys.escape(name) + "\", expected one of " + byName.keySet());
    }
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
