package dev.escalera.sharding.internal;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a page goes on in a bucket: behind what has these values first in the order and this id, or
 * at it.
 *
 * @param values of the first fields of the order
 * @param id what the store knows the document by; empty for all that have the values
 * @param inclusive whether it is part of the page
 */
public record After(
    List<? extends @Nullable Object> values, Optional<String> id, boolean inclusive) {}
