package dev.escalera.batch.internal;

import dev.escalera.batch.WriteResult;
import java.util.concurrent.CompletableFuture;

/** The observer of a single submission. */
final class Single implements Operation.Observer {
  final CompletableFuture<WriteResult> stage = new CompletableFuture<>();

  @Override
  public void settled(WriteResult result) {
    stage.complete(result);
  }

  @Override
  public void retried() {
    // One who waits for the result has no use for this.
  }

  @Override
  public boolean cancelled() {
    return false;
  }

  @Override
  public boolean foreign() {
    return true;
  }
}
