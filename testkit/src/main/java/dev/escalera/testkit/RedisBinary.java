package dev.escalera.testkit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** Finds a {@code redis-server} to run. */
final class RedisBinary {
  private RedisBinary() {}

  /**
   * Returns the {@code redis-server} of the PATH, else that of the embedded-redis artifact,
   * unpacked into {@code folder}.
   */
  static Path find(Path folder) {
    return Executables.onPath("redis-server").orElseGet(() -> unpack(folder));
  }

  private static Path unpack(Path folder) {
    String resource = resource(System.getProperty("os.name"), System.getProperty("os.arch"));
    Path binary = folder.resolve("redis-server");
    try {
      ServerProcess.copyResource("/" + resource, binary);
    } catch (IOException e) {
      throw new TestkitException("cannot unpack " + resource + " into " + folder, e);
    }
    if (!binary.toFile().setExecutable(true)) {
      throw new TestkitException("cannot make " + binary + " executable");
    }
    return binary;
  }

  static String resource(String osName, String osArch) {
    String os = osName.toLowerCase(Locale.ROOT);
    boolean arm = osArch.equals("aarch64") || osArch.equals("arm64");
    boolean intel = osArch.equals("amd64") || osArch.equals("x86_64");
    if (os.startsWith("linux") && intel) {
      return "redis-server-6.2.6-v5-linux-amd64";
    }
    if (os.startsWith("linux") && arm) {
      return "redis-server-6.2.7-linux-arm64";
    }
    if (os.startsWith("mac") && intel) {
      return "redis-server-6.2.6-v5-darwin-amd64";
    }
    if (os.startsWith("mac") && arm) {
      return "redis-server-6.2.6-v5-darwin-arm64";
    }
    throw new TestkitException(
        "no embedded Redis for " + osName + " on " + osArch + ": put a redis-server on the PATH");
  }
}
