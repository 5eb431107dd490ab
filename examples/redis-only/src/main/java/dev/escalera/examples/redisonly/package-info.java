/** A host of all four modules on Redis alone; {@link Guestbook} is the wiring. */
@NullMarked
package dev.escalera.examples.redisonly;

import org.jspecify.annotations.NullMarked;
