package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiterOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The limits of one rate limiter, and the checks of what is asked of them. */
public final class Limits {
  private static final int MAX_SUBJECT_BYTES = 1_024;

  /** A char is three bytes at most. */
  private static final int SURELY_SHORT = MAX_SUBJECT_BYTES / 3;

  private final Map<String, Named> byName;
  private final Counters counters;

  /** A limit by its name, whose figures are fixed or depend on the subject. */
  public static final class Named {
    private final String name;
    private final int index;
    private final Counters.OfLimit decisions;
    private final @Nullable Limit limit;
    private final @Nullable Figures figures;
    private final @Nullable Function<String, Limit> plan;

    private Named(
        String name,
        int index,
        Counters counters,
        @Nullable Limit limit,
        @Nullable Function<String, Limit> plan) {
      this.name = name;
      this.index = index;
      this.decisions = counters.of(name);
      this.limit = limit;
      this.figures = limit == null ? null : Figures.of(limit);
      this.plan = plan;
    }

    /** Returns which it is of the limits, from 0. */
    public int index() {
      return index;
    }

    /** Returns what was decided by this limit. */
    public Counters.OfLimit decisions() {
      return decisions;
    }

    /** Returns the limit of the subject, after checking what is asked. */
    Limit check(String subject, long cost) {
      Objects.requireNonNull(subject, "subject");
      if (subject.isEmpty() || subject.length() > SURELY_SHORT) {
        checkLength(subject);
      }
      if (cost < 1) {
        throw new IllegalArgumentException("cost is " + cost + ", expected at least 1");
      }
      Limit asked = limit != null ? limit : planned(subject);
      if (cost > asked.burst()) {
        throw new IllegalArgumentException(
            "cost is "
                + cost
                + ", which limit \""
                + name
                + "\" can never admit: its burst is "
                + asked.burst());
      }
      return asked;
    }

    /** Returns the figures of a limit that was returned for a subject. */
    public Figures figures(Limit asked) {
      return figures != null ? figures : Figures.of(asked);
    }

    /** Returns the bucket of a subject, whose limit that is. */
    Target target(Limit asked, String subject) {
      return new Target(new Target.Key(name, subject), asked, figures(asked));
    }

    private static void checkLength(String subject) {
      int bytes = Keys.utf8Length(subject);
      if (bytes == 0 || bytes > MAX_SUBJECT_BYTES) {
        throw new IllegalArgumentException(
            "the subject has " + bytes + " bytes in UTF-8, expected 1 to " + MAX_SUBJECT_BYTES);
      }
    }

    private Limit planned(String subject) {
      Limit given;
      try {
        given = Objects.requireNonNull(plan, "plan").apply(subject);
      } catch (RuntimeException e) {
        throw new RateLimitException("the plan failed to give " + describe(subject), e);
      }
      if (given == null || !given.name().equals(name)) {
        throw new RateLimitException(
            "the plan gave " + given + " as " + describe(subject) + ", expected one of that name",
            null);
      }
      return given;
    }

    private String describe(String subject) {
      return "limit \"" + name + "\" for \"" + Keys.escape(subject) + "\"";
    }
  }

  public Limits(RateLimiterOptions options) {
    Map<String, Limit> limits = new LinkedHashMap<>();
    options.limits().forEach(limit -> limits.put(limit.name(), limit));
    Set<String> names = new LinkedHashSet<>(limits.keySet());
    names.addAll(options.plans().keySet());
    counters = new Counters(names);
    byName = new LinkedHashMap<>();
    for (String name : names) {
      byName.put(
          name,
          new Named(name, byName.size(), counters, limits.get(name), options.plans().get(name)));
    }
  }

  public Counters counters() {
    return counters;
  }

  /** Returns how many there are. */
  public int size() {
    return byName.size();
  }

  /** Returns the limit of that name. */
  public Named named(String name) {
    Named named = byName.get(Objects.requireNonNull(name, "limit"));
    if (named == null) {
      throw new IllegalArgumentException(unknown(name));
    }
    return named;
  }

  /** Throws IllegalStateException if there is no limit of that name. */
  public void require(String name) {
    if (!byName.containsKey(name)) {
      throw new IllegalStateException(unknown(name));
    }
  }

  /**
   * Throws IllegalStateException if there is no limit of that name, or if it is the same for all
   * subjects and cannot be spread over so many buckets.
   */
  public void requireShards(String name, int count) {
    require(name);
    Limit limit = named(name).limit;
    try {
      if (limit != null) {
        Shards.part(limit, count);
      }
    } catch (RateLimitException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Returns the buckets that are asked for, after checking the request. */
  List<Target> check(Permits permits) {
    List<Permits.Permit> buckets = permits.buckets();
    if (buckets.size() == 1) {
      return List.of(check(buckets.get(0).limit(), buckets.get(0).subject(), permits.cost()));
    }
    List<Target> targets = new ArrayList<>(buckets.size());
    for (Permits.Permit bucket : buckets) {
      targets.add(check(bucket.limit(), bucket.subject(), permits.cost()));
    }
    return targets;
  }

  /** Returns the bucket that is asked for, after checking the request. */
  Target check(String name, String subject, long cost) {
    Named named = named(name);
    return named.target(named.check(subject, cost), subject);
  }

  private String unknown(String name) {
    return "there is no limit \"" + Keys.escape(name) + "\", expected one of " + byName.keySet();
  }
}
