package dev.escalera.cache.internal;

/** A way in which the protocol may be wrong, and a seed whose history shows that it is. */
enum SimMutant {
  NONE(0),
  /** An entry of L1 bears the mark that stands when it is stored, not when it was read. */
  FILL_WITHOUT_EPOCH(3),
  /** L1 goes on after the connection that listens has ended. */
  NO_FENCE_ON_DISCONNECT(12),
  /** A value bears the time of its load, and a tag that of its last invalidation. */
  TAG_VERSION_BY_CLOCK(1),
  /** A claim is numbered by the store, which begins anew after it was flushed. */
  COUNTER_INSTEAD_OF_NONCE(38),
  /** The lease runs from when the reply came. */
  LEASE_FROM_RECEIPT(326),
  /** A call joins a load that began before an invalidation. */
  JOIN_AFTER_INVALIDATION(1),
  /** A fill is taken whose claim has ended. */
  ZOMBIE_ACCEPTED(1),
  /** What was loaded while the store did not answer is coherent once it does. */
  PAST_STORE_COHERENT(39),
  /** What L1 held goes on after a connection was lost, whatever the store holds now. */
  SUSPECT_UNCHECKED(136);

  /** A seed that shows it, for as long as the simulation is what it is. */
  final long seed;

  SimMutant(long seed) {
    this.seed = seed;
  }

  /** The rules of a node whose clock of the day is wrong by a while. */
  Rules rules(SimWorld world, long clockError) {
    SimMutant mutant = this;
    return new Rules() {
      @Override
      Mark bears(Mark before, Mark now) {
        return mutant == FILL_WITHOUT_EPOCH ? now : super.bears(before, now);
      }

      @Override
      boolean isStillHeld(long nonce, long inStore) {
        return mutant == SUSPECT_UNCHECKED || super.isStillHeld(nonce, inStore);
      }

      @Override
      Mark bearsPastStore(Mark mark) {
        return mutant == PAST_STORE_COHERENT ? mark : super.bearsPastStore(mark);
      }

      @Override
      boolean joins(Mark flight, Mark call, boolean leased) {
        return mutant == JOIN_AFTER_INVALIDATION ? leased : super.joins(flight, call, leased);
      }

      @Override
      long leaseBegins(long sent, long received) {
        return mutant == LEASE_FROM_RECEIPT ? received : super.leaseBegins(sent, received);
      }

      @Override
      boolean fencesOnDisconnect() {
        return mutant != NO_FENCE_ON_DISCONNECT && super.fencesOnDisconnect();
      }

      @Override
      long stamp(long nonce) {
        return mutant == TAG_VERSION_BY_CLOCK ? world.now() + clockError : super.stamp(nonce);
      }

      @Override
      boolean tagStands(long stamp, long nonce) {
        return mutant == TAG_VERSION_BY_CLOCK ? stamp >= nonce : super.tagStands(stamp, nonce);
      }
    };
  }
}
