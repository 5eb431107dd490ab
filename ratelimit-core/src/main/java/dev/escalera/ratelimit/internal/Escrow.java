package dev.escalera.ratelimit.internal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A bucket of which nodes hold leases: tokens that they may spend without asking. Immutable.
 *
 * <p>Always level + outstanding &lt;= burst. A lease is outstanding in full, spent or not, from its
 * grant until it is settled or until it has expired for certain; what is gained beyond the room
 * that is left meanwhile is lost, and expiry credits nothing. So level + what nodes can still spend
 * never exceeds the burst, only time raises it, and every interval T admits at most burst + rate x
 * T.
 *
 * @param bucket the level, what no one holds
 * @param leases those that are outstanding
 */
public record Escrow(TokenBucket bucket, List<Lease> leases) {
  /** With fewer tokens of burst a node, a lease that lies idle would starve the others. */
  private static final int MIN_SHARE = 4;

  /**
   * Tokens that a node may spend.
   *
   * @param id names it, once and for all
   * @param tokens how many were granted
   * @param until when it counts no more, in microseconds of the store
   */
  public record Lease(String id, long tokens, long until) {}

  public Escrow {
    leases = List.copyOf(leases);
  }

  public static Escrow full(Figures figures, long now) {
    return new Escrow(TokenBucket.full(figures, now), List.of());
  }

  /** Returns the bucket at {@code now}; the room of each lease is refilled from its end on. */
  public Escrow at(long now) {
    if (leases.isEmpty()) {
      return new Escrow(bucket.refill(now), leases);
    }
    List<Lease> rest = new ArrayList<>(leases);
    rest.sort(Comparator.comparingLong(Lease::until));
    TokenBucket level = bucket;
    while (!rest.isEmpty() && rest.get(0).until <= now) {
      level = level.refill(Math.max(level.at(), rest.get(0).until), room(rest));
      rest.remove(0);
    }
    return new Escrow(level.refill(now, room(rest)), rest);
  }

  /** Returns the bucket under the figures that hold where a node has {@code asked}. */
  public Escrow under(Figures asked) {
    TokenBucket changed = bucket.under(asked);
    long room = Math.max(0, changed.figures().burst() - outstanding());
    return changed.tokens() <= room
        ? new Escrow(changed, leases)
        : new Escrow(changed.take(changed.tokens() - room), leases);
  }

  /** Takes tokens that are there, to be spent at once. */
  public Escrow take(long tokens) {
    return new Escrow(bucket.take(tokens), leases);
  }

  /** Hands tokens that are there to a node. */
  public Escrow grant(String id, long tokens, long until) {
    List<Lease> more = new ArrayList<>(leases);
    more.add(new Lease(id, tokens, until));
    return new Escrow(bucket.take(tokens), more);
  }

  /**
   * Returns how many tokens the lease may have: as many as are wished for, but no more than leaves
   * each node its share and half the burst to be refilled; {@code least} even so, if they are
   * there.
   */
  public long grantable(String id, long wish, long least) {
    int nodes = nodes(id);
    long tokens =
        isShared(nodes)
            ? Math.min(Math.min(wish, bucket.figures().burst() / (2L * nodes)), bucket.tokens())
            : 0;
    return least > tokens && least <= bucket.tokens() ? least : tokens;
  }

  /** Whether there is enough of it to be shared out: a lease that lies idle starves others. */
  boolean isShared(int nodes) {
    return bucket.figures().burst() >= (long) MIN_SHARE * nodes;
  }

  /** Counts the nodes that hold leases, and the one that asks for the lease {@code id}. */
  int nodes(String id) {
    Set<String> seen = new HashSet<>();
    seen.add(node(id));
    for (Lease lease : leases) {
      seen.add(node(lease.id));
    }
    return seen.size();
  }

  private static String node(String id) {
    return id.substring(0, Math.max(0, id.lastIndexOf('.')));
  }

  /** Ends a lease; credits what is unspent, if it is outstanding still. */
  public Escrow settle(String id, long unspent) {
    List<Lease> rest = new ArrayList<>(leases);
    long credit = 0;
    for (Lease lease : leases) {
      if (lease.id.equals(id)) {
        rest.remove(lease);
        credit = Math.min(unspent, lease.tokens);
      }
    }
    long room = Math.max(0, bucket.figures().burst() - bucket.tokens() - outstanding(rest));
    return new Escrow(bucket.take(-Math.min(credit, room)), rest);
  }

  public long outstanding() {
    return outstanding(leases);
  }

  /** Microseconds until nothing tells this bucket from a new one. */
  public long microsToFull() {
    long until = bucket.at();
    for (Lease lease : leases) {
      until = Math.max(until, lease.until);
    }
    return until - bucket.at() + bucket.figures().microsToFull();
  }

  private long room(List<Lease> rest) {
    return bucket.figures().burst() - outstanding(rest);
  }

  private static long outstanding(List<Lease> leases) {
    long sum = 0;
    for (Lease lease : leases) {
      sum += lease.tokens;
    }
    return sum;
  }
}
