package dev.escalera.batch;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How far a run is. Immutable; the counts are of one moment: submitted = in flight + applied +
 * failed + unknown + not attempted.
 *
 * @param name of the run
 * @param submitted operations read so far
 * @param inFlight of these, those without a result
 * @param applied of these, those that were applied
 * @param failed of these, those that were refused
 * @param unknown of these, those whose outcome is not known
 * @param notAttempted of these, those that were never sent
 * @param alreadyApplied of the applied, those of which their idempotency key told so
 * @param resumed of those with a result, those that have it from an earlier run, by the checkpoint
 * @param retried how often an operation was sent again
 * @param elapsed since the run began, until it ended
 * @param total operations expected, if that is known
 */
public record Progress(
    String name,
    long submitted,
    long inFlight,
    long applied,
    long failed,
    long unknown,
    long notAttempted,
    long alreadyApplied,
    long resumed,
    long retried,
    Duration elapsed,
    OptionalLong total) {

  /**
   * Returns how many operations have their result.
   *
   * @return a count
   */
  public long settled() {
    return submitted - inFlight;
  }

  /**
   * Returns how many operations got their result a second, on average since the run began.
   *
   * @return operations a second, 0 at the very start
   */
  public double rate() {
    double seconds = elapsed.toNanos() / 1e9;
    return seconds > 0 ? (settled() - resumed) / seconds : 0;
  }

  /**
   * Estimates the time that is left, by the rate so far.
   *
   * @return a duration; empty if the total is not known or nothing is settled yet
   */
  public Optional<Duration> timeLeft() {
    if (total.isEmpty() || rate() == 0) {
      return Optional.empty();
    }
    double left = Math.max(0, total.getAsLong() - settled());
    return Optional.of(Duration.ofNanos((long) (left / rate() * 1e9)));
  }
}
