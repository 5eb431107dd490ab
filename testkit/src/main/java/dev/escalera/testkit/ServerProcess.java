package dev.escalera.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/**
 * A server process with a temporary folder, held by a guard shell that kills the one and removes
 * the other when our end of its standard input closes, as it does when this JVM dies.
 */
final class ServerProcess implements AutoCloseable {
  static final String HOST = "127.0.0.1";

  private static final Duration END_TIMEOUT = Duration.ofSeconds(10);
  private static final int START_ATTEMPTS = 5;
  private static final String GONE = "X";
  // Stopped, ended but not yet reaped, gone.
  private static final Set<String> STOPPED = Set.of("T", "Z", GONE);

  private final String name;
  private final Path folder;
  private final Process guard;
  private final ProcessHandle server;

  private ServerProcess(String name, Path folder, Process guard, ProcessHandle server) {
    this.name = name;
    this.folder = folder;
    this.guard = guard;
    this.server = server;
  }

  /** Makes the temporary folder that a server is started in; {@link #start} takes it over. */
  static Path newFolder() {
    try {
      return Files.createTempDirectory("escalera-testkit-");
    } catch (IOException e) {
      throw new TestkitException(
          "no temporary folder can be made in " + System.getProperty("java.io.tmpdir"), e);
    }
  }

  /**
   * Starts {@code command} with {@code folder} as its own; returns as soon as the process exists.
   */
  static ServerProcess start(String name, Path folder, List<String> command) {
    try {
      Path script = folder.resolve("guard.sh");
      copyResource("guard.sh", script);
      List<String> guarded = new ArrayList<>(sessionOfItsOwn());
      guarded.addAll(List.of("/bin/sh", script.toString(), folder.toString()));
      guarded.addAll(command);
      Process guard =
          new ProcessBuilder(guarded)
              .directory(folder.toFile())
              .redirectError(folder.resolve("guard.log").toFile())
              .start();
      String pid = firstLine(guard);
      Optional<ProcessHandle> server = ProcessHandle.of(Long.parseLong(pid));
      if (server.isEmpty()) {
        String log = log(folder);
        end(guard, name);
        throw new TestkitException(name + " ended at once: " + log);
      }
      return new ServerProcess(name, folder, guard, server.get());
    } catch (IOException e) {
      throw new TestkitException("cannot start " + name + ": " + String.join(" ", command), e);
    }
  }

  /** Returns a port that was free a moment ago. */
  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new TestkitException("no free port on " + HOST, e);
    }
  }

  /** The launcher of the JVM that runs us. */
  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** Whether nothing listens on {@code port} now. */
  static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }

  static void copyResource(String resource, Path target) throws IOException {
    try (InputStream in = ServerProcess.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new TestkitException("resource " + resource + " is not on the class path");
      }
      Files.copy(in, target);
    }
  }

  long pid() {
    return server.pid();
  }

  boolean isAlive() {
    return server.isAlive();
  }

  String log() {
    return log(folder);
  }

  /** Returns a file of the server's folder, or nothing if it is not there. */
  Optional<byte[]> read(String file) {
    try {
      return Optional.of(Files.readAllBytes(folder.resolve(file)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new TestkitException("cannot read " + file + " of " + name, e);
    }
  }

  /**
   * Sends {@code STOP}, {@code CONT} or {@code KILL}; after KILL the process is gone when this
   * returns, as it may have been before; after STOP all its threads stand, where Linux tells.
   */
  void signal(String signal) {
    if (signal.equals("KILL") && !isAlive()) {
      return;
    }
    try {
      Process kill =
          new ProcessBuilder("/bin/sh", "-c", "kill -" + signal + " " + server.pid())
              .redirectErrorStream(true)
              .start();
      try (BufferedReader output = kill.inputReader()) {
        String said = String.join(" ", output.lines().toList());
        boolean sent = kill.waitFor() == 0;
        if (!sent && (isAlive() || !signal.equals("KILL"))) {
          throw new TestkitException("cannot send SIG" + signal + " to " + name + ": " + said);
        }
      }
    } catch (IOException e) {
      throw new TestkitException("cannot send SIG" + signal + " to " + name, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TestkitException("interrupted while sending SIG" + signal + " to " + name, e);
    }
    if (signal.equals("KILL")) {
      awaitEnd();
    } else if (signal.equals("STOP") && Files.isDirectory(threads())) {
      await(END_TIMEOUT, "the stop of all threads of " + name, this::hasStopped);
    }
  }

  private Path threads() {
    return Path.of("/proc", String.valueOf(server.pid()), "task");
  }

  /** The signal stops one thread after another, so some go on for a moment. */
  private boolean hasStopped() {
    try (Stream<Path> threads = Files.list(threads())) {
      return threads.allMatch(thread -> STOPPED.contains(stateOf(thread)));
    } catch (IOException e) {
      return !isAlive();
    }
  }

  /** The letter after the name, which stands in brackets and may hold anything. */
  private static String stateOf(Path thread) {
    try {
      String stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
      int state = stat.lastIndexOf(')') + 2;
      return stat.substring(state, state + 1);
    } catch (IOException e) {
      return GONE;
    }
  }

  /**
   * Kills the server and removes its folder; returns when both are gone, also in an interrupted
   * thread, which stays interrupted. Idempotent.
   */
  @Override
  public void close() {
    end(guard, name);
    awaitEnd();
  }

  /** Closes all, also after one fails; the first failure tells of the others. */
  static void closeAll(List<? extends RedisServer> servers) {
    RuntimeException failure = null;
    for (RedisServer server : servers) {
      try {
        server.close();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static void end(Process guard, String name) {
    try {
      guard.getOutputStream().close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    join(guard.onExit(), "the guard of " + name);
  }

  private void awaitEnd() {
    join(server.onExit(), name + " (process " + server.pid() + ")");
  }

  private static void join(CompletableFuture<?> end, String what) {
    try {
      // Unlike get, join is not interrupted: what we started must not be left behind.
      end.orTimeout(END_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS).join();
    } catch (CompletionException e) {
      throw new TestkitException(what + " did not end within " + END_TIMEOUT, e);
    }
  }

  /**
   * Starts a server on a free port that {@code suits} it, again on another one if it does not come
   * up: another process may have taken the port between our look and the server's bind.
   */
  static <T> T startOnFreePort(IntPredicate suits, IntFunction<T> start) {
    for (int attempt = 1; ; attempt++) {
      int port = freePort();
      while (!suits.test(port)) {
        port = freePort();
      }
      try {
        return start.apply(port);
      } catch (TestkitException e) {
        if (attempt == START_ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** Returns once the server {@code answers}; one that does not come up is closed. */
  ServerProcess awaitAnswer(Duration timeout, BooleanSupplier answers) {
    long deadline = System.nanoTime() + timeout.toNanos();
    try {
      while (!answers.getAsBoolean()) {
        if (!isAlive()) {
          throw new TestkitException(name + " ended while it started: " + log());
        }
        if (System.nanoTime() - deadline > 0) {
          throw new TestkitException(name + " did not answer within " + timeout + ": " + log());
        }
        pause();
      }
    } catch (TestkitException e) {
      close();
      throw e;
    }
    return this;
  }

  /** Returns once {@code condition} holds; {@code what} says what it waits for. */
  static void await(Duration timeout, String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new TestkitException(what + " did not come within " + timeout);
      }
      pause();
    }
  }

  /**
   * Waits a moment between two looks at a server; an interruption ends the waiting with an
   * exception.
   */
  static void pause() {
    try {
      Thread.sleep(5);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TestkitException("interrupted while waiting for a server", e);
    }
  }

  private static List<String> sessionOfItsOwn() {
    // A signal to our process group would otherwise take the guard too, and leave the folder
    // behind.
    return Files.isExecutable(Path.of("/usr/bin/setsid")) ? List.of("/usr/bin/setsid") : List.of();
  }

  private static String firstLine(Process guard) throws IOException {
    // Not closed: closing it would close the guard's standard output.
    String line = guard.inputReader().readLine();
    if (line == null) {
      throw new IOException("the guard ended before it had started the server");
    }
    return line;
  }

  private static String log(Path folder) {
    try {
      return Files.readString(folder.resolve("server.log"));
    } catch (IOException e) {
      return "(no log: " + e.getMessage() + ")";
    }
  }
}
