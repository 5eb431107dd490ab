package dev.escalera.ratelimit;

import java.util.Map;

/**
 * What a rate limiter did since it was built. Immutable.
 *
 * @param admitted decisions that admitted, by source
 * @param denied decisions that denied, by source
 * @param remoteCalls calls to the store
 * @param remoteDecisions decisions that those calls made; over the calls they give the merge factor
 * @param leasedTokens tokens taken from the store ahead of their use
 * @param wastedTokens those of them that were neither used nor given back in time
 * @param debitedTokens tokens admitted without the store that it was told of later
 * @param lostDebits tokens admitted without the store that it could not be told of
 * @param breakerOpen whether calls to the store are held back at present
 * @param nodes how many nodes are thought to share the limits
 */
public record RateLimiterStats(
    Map<DecisionSource, Long> admitted,
    Map<DecisionSource, Long> denied,
    long remoteCalls,
    long remoteDecisions,
    long leasedTokens,
    long wastedTokens,
    long debitedTokens,
    long lostDebits,
    boolean breakerOpen,
    int nodes) {
  /**
   * Makes a record of figures.
   *
   * @param admitted decisions that admitted, by source
   * @param denied decisions that denied, by source
   * @param remoteCalls calls to the store
   * @param remoteDecisions decisions that those calls made
   * @param leasedTokens tokens taken from the store ahead of their use
   * @param wastedTokens those of them that were neither used nor given back in time
   * @param debitedTokens tokens admitted without the store that it was told of later
   * @param lostDebits tokens admitted without the store that it could not be told of
   * @param breakerOpen whether calls to the store are held back at present
   * @param nodes how many nodes are thought to share the limits
   */
  public RateLimiterStats {
    admitted = Map.copyOf(admitted);
    denied = Map.copyOf(denied);
  }
}
