package dev.escalera.cache.internal;

import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What a flight brought: a value or nothing, and what each who waited for it counts. */
record Outcome<V>(@Nullable V value, LongAdder counter) {}
