package dev.escalera.ratelimit;

/** Which HTTP header fields tell a client of a decision. */
public enum HeaderProfile {
  /**
   * {@code RateLimit-Policy} and {@code RateLimit} of the IETF draft "RateLimit header fields for
   * HTTP", revision 11, as structured fields (RFC 9651); {@code Retry-After} (RFC 9110) with a
   * denial.
   */
  DRAFT_11,
  /**
   * {@code X-RateLimit-Limit}, {@code X-RateLimit-Remaining}, {@code X-RateLimit-Reset}; {@code
   * Retry-After} with a denial.
   */
  X_RATE_LIMIT,
  /** No field at all. */
  NONE
}
