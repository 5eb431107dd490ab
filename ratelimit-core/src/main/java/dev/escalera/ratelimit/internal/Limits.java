package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** The limits of one rate limiter, and the checks of what is asked of them. */
public final class Limits {
  private static final int MAX_SUBJECT_BYTES = 1_024;

  private final Map<String, Limit> byName = new LinkedHashMap<>();

  /** Throws IllegalStateException if there is none, or two have one name. */
  public Limits(Collection<Limit> limits) {
    if (limits.isEmpty()) {
      throw new IllegalStateException("no limit was given, expected at least one");
    }
    for (Limit limit : limits) {
      if (byName.put(limit.name(), limit) != null) {
        throw new IllegalStateException("limit \"" + limit.name() + "\" was given twice");
      }
    }
  }

  /** Returns the limit of that name after checking the request. */
  public Limit check(String name, String subject, long cost) {
    Limit limit = byName.get(Objects.requireNonNull(name, "limit"));
    if (limit == null) {
      throw new IllegalArgumentException(
          "there is no limit \"" + Keys.escape(name) + "\", expected one of " + byName.keySet());
    }
    int bytes = Keys.utf8Length(Objects.requireNonNull(subject, "subject"));
    if (bytes == 0 || bytes > MAX_SUBJECT_BYTES) {
      throw new IllegalArgumentException(
          "the subject has " + bytes + " bytes in UTF-8, expected 1 to " + MAX_SUBJECT_BYTES);
    }
    if (cost < 1) {
      throw new IllegalArgumentException("cost is " + cost + ", expected at least 1");
    }
    if (cost > limit.burst()) {
      throw new IllegalArgumentException(
          "cost is "
              + cost
              + ", which limit \""
              + name
              + "\" can never admit: its burst is "
              + limit.burst());
    }
    return limit;
  }

  public static long periodMicros(Limit limit) {
    return limit.period().toNanos() / 1_000;
  }
}
