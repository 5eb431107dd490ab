package dev.escalera.cache.internal;

/** A way in which the protocol may be wrong; the simulation must see each. */
enum SimMutant {
  NONE,
  FILL_WITHOUT_EPOCH,
  NO_FENCE_ON_DISCONNECT,
  TAG_VERSION_BY_CLOCK,
  COUNTER_INSTEAD_OF_NONCE,
  LEASE_FROM_RECEIPT,
  JOIN_AFTER_INVALIDATION,
  ZOMBIE_ACCEPTED;

  /** The rules of a node whose clock of the day is wrong by a while. */
  Rules rules(SimWorld world, long clockError) {
    SimMutant mutant = this;
    return new Rules() {
      @Override
      Mark bears(Mark before, Mark now) {
        return mutant == FILL_WITHOUT_EPOCH ? now : super.bears(before, now);
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
