package dev.escalera.sharding.internal;

import java.io.Serial;
import java.util.Optional;

/** The fence of a bucket did not let a call in: nothing was written. */
public final class FencedException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final transient Bucket bucket;
  private final transient Optional<Fence> fence;

  public FencedException(Bucket bucket, Optional<Fence> fence) {
    super(
        "bucket "
            + bucket
            + fence.map(found -> " has the fence " + found.text()).orElse(" has no fence"));
    this.bucket = bucket;
    this.fence = fence;
  }

  Bucket bucket() {
    return bucket;
  }

  /** Returns the fence that stands there; empty if none does. */
  public Optional<Fence> fence() {
    return fence;
  }

  @Override
  public synchronized Throwable fillInStackTrace() {
    // An expected refusal, many at a time.
    return this;
  }
}
