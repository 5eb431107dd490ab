package dev.escalera.batch.internal;

/** Runs something under the engine's lock later, and sends what is due then. */
@FunctionalInterface
interface Alarm {
  void after(long nanos, Runnable task);
}
