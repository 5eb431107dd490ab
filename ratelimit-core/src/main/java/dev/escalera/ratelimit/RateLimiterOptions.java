package dev.escalera.ratelimit;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a rate limiter is built with. Immutable.
 *
 * @param name of the limiter, in its meters and in the log
 * @param limits those that are the same for all subjects
 * @param plans those that depend on the subject, by name
 * @param policy what decides while the store does not
 * @param deadline how long a decision waits for the store
 * @param denyCacheMax how long a denial answers further requests at most
 * @param meterRegistry to which the limiter registers its meters
 */
public record RateLimiterOptions(
    String name,
    List<Limit> limits,
    Map<String, Function<String, Limit>> plans,
    FailurePolicy policy,
    Duration deadline,
    Duration denyCacheMax,
    Optional<MeterRegistry> meterRegistry) {
  /**
   * Keeps a copy of what can change.
   *
   * @param name of the limiter, in its meters and in the log
   * @param limits those that are the same for all subjects
   * @param plans those that depend on the subject, by name
   * @param policy what decides while the store does not
   * @param deadline how long a decision waits for the store
   * @param denyCacheMax how long a denial answers further requests at most
   * @param meterRegistry to which the limiter registers its meters
   * @throws IllegalStateException if there is no limit, or two of one name
   */
  public RateLimiterOptions {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(deadline, "deadline");
    Objects.requireNonNull(denyCacheMax, "denyCacheMax");
    Objects.requireNonNull(meterRegistry, "meterRegistry");
    limits = List.copyOf(limits);
    plans = Collections.unmodifiableMap(new LinkedHashMap<>(plans));
    if (limits.isEmpty() && plans.isEmpty()) {
      throw new IllegalStateException("no limit was given, expected at least one");
    }
    for (int i = 0; i < limits.size(); i++) {
      String limit = limits.get(i).name();
      boolean again = limits.subList(0, i).stream().anyMatch(other -> other.name().equals(limit));
      if (again || plans.containsKey(limit)) {
        throw new IllegalStateException("limit \"" + limit + "\" was given twice");
      }
    }
  }
}
