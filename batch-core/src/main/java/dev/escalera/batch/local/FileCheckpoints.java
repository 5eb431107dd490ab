package dev.escalera.batch.local;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Checkpoints as files: written beside the old one, forced to the disk, then renamed over it, so
 * that there is always a whole one.
 */
final class FileCheckpoints implements CheckpointStore {
  private static final String SUFFIX = ".checkpoint";

  private final Path folder;

  FileCheckpoints(Path folder) {
    this.folder = folder;
  }

  @Override
  public Optional<byte[]> load(String name) {
    Path file = file(name);
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new BatchException("checkpoint " + file + " cannot be read", e);
    }
  }

  @Override
  public void save(String name, byte[] checkpoint) {
    Path file = file(name);
    try {
      Files.createDirectories(folder);
      Path next = folder.resolve(file.getFileName() + ".next");
      write(next, checkpoint);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      // The new name is durable once its folder is.
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    } catch (IOException e) {
      throw new BatchException("checkpoint " + file + " cannot be written", e);
    }
  }

  @Override
  public void delete(String name) {
    Path file = file(name);
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new BatchException("checkpoint " + file + " cannot be removed", e);
    }
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
  }

  /** Names are the host's and may be anything, a path above the folder too. */
  private Path file(String name) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      return folder.resolve(HexFormat.of().formatHex(hash, 0, 16) + SUFFIX);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
