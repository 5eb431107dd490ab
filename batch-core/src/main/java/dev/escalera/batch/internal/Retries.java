package dev.escalera.batch.internal;

import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.WriteStatus;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Which operations are sent again, how often and when. Guarded by the engine's lock. */
final class Retries {
  private final BatchOptions options;

  Retries(BatchOptions options) {
    this.options = options;
  }

  /** Returns how an operation ends by its reply, null if it is to be sent again. */
  @Nullable Verdict verdict(Operation<?> operation, Reply reply, long now) {
    return switch (reply.outcome()) {
      case APPLIED -> new Verdict(WriteStatus.APPLIED, null);
      case ALREADY_APPLIED -> new Verdict(WriteStatus.ALREADY_APPLIED, null);
      case NOT_APPLIED -> mayRetry(operation) ? null : refused(operation, reply);
      case OVERLOADED -> isPatient(operation, now) ? null : refused(operation, reply);
      case UNKNOWN -> {
        operation.lost(now, reply.fence());
        yield operation.prepared.repeatable() && mayRetry(operation)
            ? null
            : new Verdict(WriteStatus.UNKNOWN, reply.cause());
      }
      case REFUSED, REFUSED_TOGETHER -> refused(operation, reply);
    };
  }

  /**
   * Returns how long an operation waits before it is sent again: full jitter over a range that
   * doubles; see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
   */
  long backoff(Operation<?> operation) {
    int times = operation.retries + operation.overloads;
    long first = options.firstBackoff().toNanos();
    long last = options.lastBackoff().toNanos();
    // An hour shifted by 20 is still a long.
    long range = times > 20 ? last : Math.min(last, first << (times - 1));
    return ThreadLocalRandom.current().nextLong(Math.max(1, range)) + 1;
  }

  private boolean mayRetry(Operation<?> operation) {
    if (operation.retries >= options.maxRetries()) {
      return false;
    }
    operation.retries++;
    return true;
  }

  private boolean isPatient(Operation<?> operation, long now) {
    if (operation.overloads++ == 0) {
      operation.overloadedSince = now;
    }
    return now - operation.overloadedSince < options.patience().toNanos();
  }

  private static Verdict refused(Operation<?> operation, Reply reply) {
    // It may be refused because an attempt whose answer was lost has been applied.
    return new Verdict(
        operation.uncertain ? WriteStatus.UNKNOWN : WriteStatus.FAILED, reply.cause());
  }
}
