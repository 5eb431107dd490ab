package dev.escalera.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.local.LocalBatchExecutor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every store of checkpoints does. */
public abstract class CheckpointStoreContract {
  /** Of its own, so that no test sees another's checkpoints. */
  private final String name = "run " + UUID.randomUUID();

  /** Opens the store, each time anew on the same ground. */
  protected abstract CheckpointStore open();

  @Test
  void what_was_saved_last_is_loaded_by_any_store_on_the_same_ground() {
    try (CheckpointStore store = open();
        CheckpointStore other = open()) {
      assertThat(store.load(name)).isEmpty();
      store.save(name, bytes(1, 100));
      assertThat(other.load(name)).contains(bytes(1, 100));
      other.save(name, bytes(2, 7));
      assertThat(store.load(name)).contains(bytes(2, 7));
      store.save(name, new byte[0]);
      assertThat(other.load(name)).contains(new byte[0]);
    }
    try (CheckpointStore later = open()) {
      assertThat(later.load(name)).contains(new byte[0]);
    }
  }

  @Test
  void the_largest_checkpoint_there_can_be_is_kept() {
    // A bit for each operation ahead, and a thousand causes of a hundred characters.
    byte[] largest = bytes(3, 330_000);
    try (CheckpointStore store = open()) {
      store.save(name, largest);
      assertThat(store.load(name)).contains(largest);
    }
  }

  @Test
  void a_checkpoint_that_was_removed_is_gone_and_to_remove_none_is_no_error() {
    try (CheckpointStore store = open()) {
      store.delete(name);
      store.save(name, bytes(4, 10));
      store.delete(name);
      assertThat(store.load(name)).isEmpty();
      store.delete(name);
    }
  }

  @Test
  void any_name_is_its_own() {
    List<String> names =
        List.of(
            "a", "A", "../a", "a/b", ".", "..", "__a__", " ", "\n", "\u00e4", "x".repeat(5_000));
    try (CheckpointStore store = open()) {
      for (int i = 0; i < names.size(); i++) {
        store.save(name + names.get(i), bytes(i, 20));
        store.save(names.get(i), bytes(i, 30));
      }
      for (int i = 0; i < names.size(); i++) {
        assertThat(store.load(name + names.get(i))).contains(bytes(i, 20));
        assertThat(store.load(names.get(i))).contains(bytes(i, 30));
        store.delete(names.get(i));
      }
    }
  }

  @Test
  void a_run_goes_on_from_it_under_another_executor() {
    List<Integer> written = Collections.synchronizedList(new ArrayList<>());
    int cut;
    try (CheckpointStore store = open();
        BatchExecutor<Integer> executor = numbers(written)) {
      BatchRun run =
          executor.execute(
              IntStream.range(0, 1_000_000).iterator(), RunOptions.named(name).checkpoint(store));
      while (run.progress().applied() < 200) {
        LockSupport.parkNanos(1_000_000);
      }
      run.cancel();
      run.join();
      cut = written.size();
    }
    try (CheckpointStore store = open();
        BatchExecutor<Integer> executor = numbers(written)) {
      BatchReport report =
          executor
              .execute(
                  IntStream.range(0, cut + 100).iterator(),
                  RunOptions.named(name).checkpoint(store))
              .join();
      assertThat(report.progress().resumed()).isEqualTo(cut);
      assertThat(report.progress().applied()).isEqualTo(cut + 100);
      assertThat(written).hasSize(cut + 100).doesNotHaveDuplicates();
    }
  }

  private static BatchExecutor<Integer> numbers(List<Integer> written) {
    return LocalBatchExecutor.builder(
            (List<Integer> batch) -> {
              written.addAll(batch);
              return batch;
            },
            (Integer result) -> Optional.<Throwable>empty())
        .repeatable(Integer::longValue)
        .maxPending(100)
        .build();
  }

  private static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
