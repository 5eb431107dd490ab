package dev.escalera.sharding.internal;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A document as a store has it.
 *
 * @param id what the store knows it by, see {@link Routing#storedId}
 * @param fields by name
 */
public record Row(String id, Map<String, ? extends @Nullable Object> fields) {}
