package dev.escalera.ratelimit;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The options that all rate limiters share. Not safe for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class RateLimiterBuilder<B extends RateLimiterBuilder<B>> {
  private final List<Limit> limits = new ArrayList<>();
  private final Map<String, Function<String, Limit>> plans = new LinkedHashMap<>();
  private @Nullable String planGivenTwice;
  private String name;
  private @Nullable MeterRegistry registry;

  /**
   * Makes a builder.
   *
   * @param name of the limiter, unless the host names it
   */
  protected RateLimiterBuilder(String name) {
    this.name = name;
  }

  /**
   * Adds a limit.
   *
   * @param limit one of a name that was not given yet
   * @return this builder
   */
  public B limit(Limit limit) {
    limits.add(Objects.requireNonNull(limit, "limit"));
    return self();
  }

  /**
   * Adds a limit whose figures depend on the subject, such as on a customer's plan.
   *
   * @param name the name of the limit, not given yet
   * @param plan returns the limit of a subject, of the same name; called for every decision on the
   *     thread that asks, so it has to be fast
   * @return this builder
   * @throws IllegalArgumentException if the name cannot be one of a limit
   */
  public B limit(String name, Function<String, Limit> plan) {
    Limit.of(name, 1, Duration.ofSeconds(1)); // Checks the name.
    if (plans.put(name, Objects.requireNonNull(plan, "plan")) != null) {
      planGivenTwice = name;
    }
    return self();
  }

  /**
   * Names the limiter in its meters and in the log; its class by default.
   *
   * @param name some text
   * @return this builder
   * @throws IllegalArgumentException if it is blank
   */
  public B name(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name is \"" + name + "\", expected some text");
    }
    this.name = name;
    return self();
  }

  /**
   * Publishes meters, {@code escalera.ratelimit.*}, until the limiter is closed; none by default.
   *
   * @param registry where to
   * @return this builder
   */
  public B meters(MeterRegistry registry) {
    this.registry = Objects.requireNonNull(registry, "registry");
    return self();
  }

  /**
   * Builds the rate limiter.
   *
   * @return a rate limiter
   * @throws IllegalStateException if no limit was given, or two of one name
   */
  public abstract RateLimiter build();

  /**
   * Returns this builder in its own type.
   *
   * @return this
   */
  protected abstract B self();

  /**
   * Returns the options of a limiter without a store.
   *
   * @return the options
   * @throws IllegalStateException if no limit was given, or two of one name
   */
  protected RateLimiterOptions options() {
    return options(FailurePolicy.FAIL_CLOSED, Duration.ZERO, Duration.ZERO);
  }

  final RateLimiterOptions options(FailurePolicy policy, Duration deadline, Duration denyCacheMax) {
    if (planGivenTwice != null) {
      throw new IllegalStateException("limit \"" + planGivenTwice + "\" was given twice");
    }
    return new RateLimiterOptions(
        name, limits, plans, policy, deadline, denyCacheMax, Optional.ofNullable(registry));
  }
}
