/**
 * A host in one main: it stores chat messages and serves a small dashboard of them with all four
 * modules, on servers that it starts itself.
 *
 * <p>{@link dev.escalera.examples.quickstart.Quickstart} is the program, {@code Dashboard} the
 * wiring that a host of yours would have, {@code Job} what the program does with it.
 */
@NullMarked
package dev.escalera.examples.quickstart;

import org.jspecify.annotations.NullMarked;
