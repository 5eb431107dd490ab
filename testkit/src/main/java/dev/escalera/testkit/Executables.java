package dev.escalera.testkit;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds programs on the PATH. */
final class Executables {
  private Executables() {}

  static Optional<Path> onPath(String program) {
    return find(program, Optional.ofNullable(System.getenv("PATH")).orElse(""));
  }

  static Optional<Path> find(String program, String path) {
    return Stream.of(path.split(File.pathSeparator, -1))
        .filter(entry -> !entry.isEmpty())
        .flatMap(entry -> resolve(entry, program).stream())
        .filter(Files::isExecutable)
        .filter(Files::isRegularFile)
        .findFirst();
  }

  private static Optional<Path> resolve(String entry, String program) {
    try {
      return Optional.of(Path.of(entry, program));
    } catch (InvalidPathException e) {
      // An entry that is no path holds no program.
      return Optional.empty();
    }
  }
}
