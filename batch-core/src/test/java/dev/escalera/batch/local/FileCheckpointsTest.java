package dev.escalera.batch.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.CheckpointStoreContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileCheckpointsTest extends CheckpointStoreContract {
  @TempDir private Path folder;

  @Override
  protected CheckpointStore open() {
    return LocalBatchExecutor.checkpoints(folder.resolve("made").resolve("on demand"));
  }

  @Test
  void what_a_process_that_died_left_half_written_is_not_read() throws IOException {
    try (CheckpointStore store = open()) {
      store.save("run", new byte[] {1, 2, 3});
      Path file;
      try (var files = Files.list(folder.resolve("made").resolve("on demand"))) {
        file = files.findFirst().orElseThrow();
      }
      Files.write(file.resolveSibling(file.getFileName() + ".next"), new byte[] {9});
      assertThat(store.load("run")).contains(new byte[] {1, 2, 3});
      store.save("run", new byte[] {4});
      assertThat(store.load("run")).contains(new byte[] {4});
    }
  }

  @Test
  void a_folder_that_cannot_be_one_is_named() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    try (CheckpointStore store = LocalBatchExecutor.checkpoints(file)) {
      assertThatThrownBy(() -> store.save("run", new byte[1]))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("cannot be written")
          .hasMessageContaining(file.toString());
    }
  }
}
