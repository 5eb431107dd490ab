package dev.escalera.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/** Reads the lines of a file that a process writes, as they come. */
final class LineTail {
  private final Path file;
  private final ServerProcess writer;
  private final Queue<String> lines = new ArrayDeque<>();
  private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
  private volatile boolean killed;
  private long offset;

  LineTail(Path file, ServerProcess writer) {
    this.file = file;
    this.writer = writer;
  }

  /**
   * Returns the next line, or nothing if the writer ended without one.
   *
   * @throws TestkitException if neither happens within {@code timeout}
   */
  Optional<String> next(Duration timeout) {
    return next(timeout, System.nanoTime() + timeout.toNanos());
  }

  /** Returns all lines up to the writer's end, which must come within {@code timeout}. */
  List<String> toEnd(Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    List<String> all = new ArrayList<>();
    for (Optional<String> line = next(timeout, deadline);
        line.isPresent();
        line = next(timeout, deadline)) {
      all.add(line.get());
    }
    return all;
  }

  private Optional<String> next(Duration timeout, long deadline) {
    while (lines.isEmpty()) {
      // Looked at before the file: what a dead writer wrote is all there.
      boolean ended = !writer.isAlive();
      readOn();
      if (lines.isEmpty()) {
        if (ended) {
          return rest();
        }
        if (System.nanoTime() - deadline > 0) {
          throw new TestkitException(
              "neither a line nor an end within " + timeout + ": " + writer.log());
        }
        ServerProcess.pause();
      }
    }
    return Optional.ofNullable(lines.poll());
  }

  /** The writer was killed: a line without an end is no whole line. */
  void cut() {
    killed = true;
  }

  /** What a writer that ended by itself left without an end. */
  private Optional<String> rest() {
    if (killed || partial.size() == 0) {
      return Optional.empty();
    }
    String line = partial.toString(StandardCharsets.UTF_8);
    partial.reset();
    return Optional.of(line);
  }

  private void readOn() {
    try (InputStream in = Files.newInputStream(file)) {
      in.skipNBytes(offset);
      byte[] bytes = in.readAllBytes();
      offset += bytes.length;
      for (byte b : bytes) {
        if (b == '\n') {
          lines.add(partial.toString(StandardCharsets.UTF_8));
          partial.reset();
        } else {
          partial.write(b);
        }
      }
    } catch (IOException e) {
      throw new TestkitException("cannot read " + file, e);
    }
  }
}
