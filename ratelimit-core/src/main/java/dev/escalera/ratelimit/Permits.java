package dev.escalera.ratelimit;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What is asked of a rate limiter: a cost, to be taken from the bucket of each of some limits, or
 * from none. Immutable.
 *
 * @param buckets 1 to 16 different pairs of a limit and a subject
 * @param cost how many tokens to take from each, at least 1
 */
public record Permits(List<Permit> buckets, long cost) {
  private static final int MAX_BUCKETS = 16;

  /**
   * A limit and whom it is for.
   *
   * @param limit the name of a limit that the limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   */
  public record Permit(String limit, String subject) {
    /**
     * Makes a pair.
     *
     * @param limit the name of a limit that the limiter was built with
     * @param subject whom the limit is for
     */
    public Permit {
      Objects.requireNonNull(limit, "limit");
      Objects.requireNonNull(subject, "subject");
    }
  }

  /**
   * Makes a request.
   *
   * @param buckets 1 to 16 different pairs of a limit and a subject
   * @param cost how many tokens to take from each, at least 1
   * @throws IllegalArgumentException if there are too few, too many or equal pairs, or the cost is
   *     less than 1
   */
  public Permits {
    buckets = List.copyOf(buckets);
    if (buckets.isEmpty() || buckets.size() > MAX_BUCKETS) {
      throw new IllegalArgumentException(
          buckets.size() + " limits at once, expected 1 to " + MAX_BUCKETS);
    }
    for (int i = 1; i < buckets.size(); i++) {
      if (buckets.subList(0, i).contains(buckets.get(i))) {
        throw new IllegalArgumentException(
            "one subject of limit \"" + buckets.get(i).limit() + "\" is given twice");
      }
    }
    if (cost < 1) {
      throw new IllegalArgumentException("cost is " + cost + ", expected at least 1");
    }
  }

  /**
   * Returns a request of one token of one bucket.
   *
   * @param limit the name of a limit that the limiter was built with
   * @param subject whom the limit is for
   * @return the request
   */
  public static Permits of(String limit, String subject) {
    return new Permits(List.of(new Permit(limit, subject)), 1);
  }

  /**
   * Returns the same request of one bucket more, all or nothing.
   *
   * @param limit the name of a limit that the limiter was built with
   * @param subject whom the limit is for
   * @return the request
   * @throws IllegalArgumentException if the bucket is asked already
   */
  public Permits and(String limit, String subject) {
    List<Permit> more = new ArrayList<>(buckets);
    more.add(new Permit(limit, subject));
    return new Permits(more, cost);
  }

  /**
   * Returns the same request of another number of tokens, from each bucket.
   *
   * @param cost at least 1, and at most the burst of each limit
   * @return the request
   * @throws IllegalArgumentException if the cost is less than 1
   */
  public Permits cost(long cost) {
    return new Permits(buckets, cost);
  }
}
