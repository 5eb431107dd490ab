package dev.escalera.benchmarks.ratelimit;

import java.util.concurrent.CompletionStage;

/** A way to limit a rate over Redis; everyone gives each subject the same rate and burst. */
interface Contender extends AutoCloseable {
  /** Takes a token and waits for the answer. */
  boolean take(String subject) throws Exception;

  /** Takes a token. */
  CompletionStage<Boolean> takeAsync(String subject);

  @Override
  void close();
}
