/** Values as JSON by Jackson, which the host brings. */
@NullMarked
package dev.escalera.cache.jackson;

import org.jspecify.annotations.NullMarked;
