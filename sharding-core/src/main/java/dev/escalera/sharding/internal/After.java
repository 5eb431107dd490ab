package dev.escalera.sharding.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where a page goes on in a bucket: behind the document of these values and this id, or at it. */
public record After(List<@Nullable Object> values, String id, boolean inclusive) {}
