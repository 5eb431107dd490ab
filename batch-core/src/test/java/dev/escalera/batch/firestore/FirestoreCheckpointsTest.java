package dev.escalera.batch.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.CheckpointStoreContract;
import dev.escalera.testkit.WithFirestore;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreCheckpointsTest extends CheckpointStoreContract {
  private final Firestore firestore;

  FirestoreCheckpointsTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected CheckpointStore open() {
    return FirestoreBatchExecutor.checkpoints(firestore);
  }

  @Test
  void its_documents_say_which_run_they_are_of() throws Exception {
    try (CheckpointStore store = open()) {
      store.save("which/run", new byte[] {1});
      assertThat(
              firestore
                  .collection("escalera_checkpoints")
                  .whereEqualTo("run", "which/run")
                  .get()
                  .get()
                  .size())
          .isEqualTo(1);
    }
  }

  @Test
  void a_store_that_does_not_answer_is_told_by_the_name_of_the_run() throws IOException {
    try (FakeFirestore silent = new FakeFirestore();
        CheckpointStore store =
            new FirestoreCheckpoints(silent.openClient(), Duration.ofMillis(200))) {
      silent.plan((call, writes) -> FakeFirestore.Fate.APPLY.after(Duration.ofHours(1)));
      assertThatThrownBy(() -> store.save("run", new byte[] {1}))
          .isInstanceOf(BatchException.class)
          .hasMessage("the checkpoint of run \"run\" cannot be written");
    }
  }
}
