package dev.escalera.batch.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A store that does to batches whatever a network and a server can do, by chance: refuses, is
 * overloaded, applies and loses the answer, loses the request, applies it long after, answers short
 * or not at all. It knows what was applied in which order.
 */
final class SimulatedStore implements Transport<SimulatedStore.Write, SimulatedStore.Write> {
  /** How long a lost request can arrive late: less than the engine thinks. */
  static final Duration LATEST = Duration.ofSeconds(9);

  /**
   * An operation, or several as one if there are several keys.
   *
   * @param id of its own
   * @param keys what its order goes by
   * @param repeatable whether it may be sent again
   * @param idempotent whether a second time is noticed
   * @param poison whether it brings down its batch
   */
  record Write(int id, List<Object> keys, boolean repeatable, boolean idempotent, boolean poison) {}

  private final SimulatedScheduler scheduler;
  private final Random random;
  private final boolean fences;

  /** The ids that were applied, in order, by key; an id as often as it was applied. */
  final Map<Object, List<Integer>> applied = new LinkedHashMap<>();

  final Map<Integer, Integer> times = new HashMap<>();
  final Set<Object> inFlight = new HashSet<>();
  final List<String> violations = new ArrayList<>();
  int maxBatch;
  double trouble = 0.3;

  SimulatedStore(SimulatedScheduler scheduler, Random random, boolean fences) {
    this.scheduler = scheduler;
    this.random = random;
    this.fences = fences;
  }

  @Override
  public Prepared<Write> prepare(Write write) {
    return new Prepared<>(
        write, write.keys(), 10, 1, false, write.repeatable || write.idempotent, null);
  }

  @Override
  public Prepared<Write> prepareAtomic(List<? extends Write> operations) {
    Write first = operations.get(0);
    List<Object> keys = new ArrayList<>();
    operations.forEach(operation -> keys.addAll(operation.keys()));
    Write group = new Write(first.id, keys, first.repeatable, first.idempotent, first.poison);
    return new Prepared<>(
        group, keys, 10L * keys.size(), keys.size(), true, first.repeatable, null);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Write> batch) {
    maxBatch = Math.max(maxBatch, batch.size());
    for (Write write : batch) {
      for (Object key : write.keys()) {
        if (!inFlight.add(key)) {
          violations.add("two in flight for " + key);
        }
      }
    }
    CompletableFuture<List<Reply>> answer = new CompletableFuture<>();
    long took = 1_000_000L + random.nextInt(200_000_000);
    scheduler.after(
        took,
        () -> {
          batch.forEach(write -> inFlight.removeAll(write.keys()));
          answer(batch, answer);
        });
    return answer;
  }

  private void answer(List<Write> batch, CompletableFuture<List<Reply>> answer) {
    if (batch.size() > 1 && batch.stream().anyMatch(Write::poison)) {
      Reply together = Reply.refusedTogether(new IllegalStateException("a poison"));
      answer.complete(batch.stream().map(write -> together).toList());
      return;
    }
    if (random.nextDouble() < trouble / 4) {
      // The call fails as a whole: each write may have been applied, or be applied late.
      CompletableFuture<Boolean> fence = fence(batch);
      Reply lost = Reply.unknown(new IllegalStateException("lost"), fence);
      if (fences) {
        answer.complete(batch.stream().map(write -> lost).toList());
      } else {
        maybeLater(batch);
        answer.completeExceptionally(new IllegalStateException("lost"));
      }
      return;
    }
    List<Reply> replies = new ArrayList<>();
    for (Write write : batch) {
      replies.add(reply(write));
    }
    if (random.nextDouble() < trouble / 10) {
      // A short answer: the writes were applied or not, as above.
      replies = replies.subList(0, random.nextInt(replies.size() + 1));
    }
    answer.complete(replies);
  }

  private CompletableFuture<Boolean> fence(List<Write> batch) {
    if (!fences) {
      return CompletableFuture.completedFuture(false);
    }
    CompletableFuture<Boolean> fence = new CompletableFuture<>();
    long killed = random.nextInt(20_000) * 1_000_000L;
    for (Write write : batch) {
      if (random.nextBoolean()) {
        // At any time before the connection is killed, which may be later than the hold.
        scheduler.after((long) (random.nextDouble() * killed), () -> apply(write));
      }
    }
    scheduler.after(killed, () -> fence.complete(true));
    return fence;
  }

  private void maybeLater(List<Write> batch) {
    for (Write write : batch) {
      if (random.nextBoolean()) {
        long late = (long) (random.nextDouble() * LATEST.toNanos());
        scheduler.after(late, () -> apply(write));
      }
    }
  }

  private Reply reply(Write write) {
    if (write.poison) {
      return Reply.refused(new IllegalStateException("a poison"));
    }
    double chance = random.nextDouble();
    if (chance < trouble / 10) {
      return Reply.refused(new IllegalStateException("refused"));
    }
    if (chance < trouble * 2 / 10) {
      return Reply.notApplied(new IllegalStateException("not now"));
    }
    if (chance < trouble * 3 / 10) {
      return Reply.overloaded(new IllegalStateException("too much"));
    }
    return apply(write) ? Reply.APPLIED : Reply.ALREADY_APPLIED;
  }

  private boolean apply(Write write) {
    if (write.idempotent && times.containsKey(write.id)) {
      return false;
    }
    times.merge(write.id, 1, Integer::sum);
    for (Object key : write.keys()) {
      applied.computeIfAbsent(key, none -> new ArrayList<>()).add(write.id);
    }
    return true;
  }

  @Override
  public void close() {
    // Nothing is open.
  }
}
