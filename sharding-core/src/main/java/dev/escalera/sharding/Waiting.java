package dev.escalera.sharding;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** Waits for a stage on behalf of a blocking call. */
final class Waiting {
  private Waiting() {}

  static <T> T on(String operation, CompletionStage<T> stage) {
    CompletableFuture<T> future = stage.toCompletableFuture();
    try {
      return future.get();
    } catch (InterruptedException e) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new ShardingException("interrupted: " + FieldValues.shown(operation), e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IllegalArgumentException argument) {
        throw argument;
      }
      if (e.getCause() instanceof ShardingException failure) {
        throw failure;
      }
      throw new ShardingException("cannot " + FieldValues.shown(operation), e.getCause());
    }
  }
}
