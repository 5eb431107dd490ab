package dev.escalera.cache.internal;

/**
 * What stood for a key at an instant.
 *
 * @param stripe of the key's hash
 * @param epoch of the stripe, which each change of a key of it moves
 * @param generation of the lease, odd while this node hears of all changes
 */
record Mark(int stripe, long epoch, long generation) {
  /** The same for what L2 knows nothing of: it is of no generation that a lease has. */
  Mark alone() {
    return new Mark(stripe, epoch, ~generation);
  }
}
