package dev.escalera.cache.internal;

import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What a flight brought: a value or nothing.
 *
 * @param counter what each who waited for it counts, if anything
 * @param tags that the value bears
 * @param clock the number of the last change before it was read or its load began
 */
record Outcome<V>(@Nullable V value, @Nullable LongAdder counter, Set<String> tags, long clock) {
  Outcome(@Nullable V value, @Nullable LongAdder counter) {
    this(value, counter, Set.of(), 0);
  }
}
