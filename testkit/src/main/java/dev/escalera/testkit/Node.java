package dev.escalera.testkit;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A further JVM of a test: a node of a fleet, which runs a main class of the test's own class path
 * and talks to the test by lines of text, over its standard input and output. What it writes to its
 * standard error is shown in {@link #log()}.
 *
 * <p>{@code System.nanoTime()} has one origin for all processes of a Linux host, so the times that
 * nodes report can be put in one {@link History}.
 *
 * <p>Instances may be used by several threads; lines are read by one at a time.
 */
public final class Node implements AutoCloseable {
  private static final List<String> SMALL =
      List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en");

  private final ServerProcess process;
  private final OutputStream input;
  private final LineTail output;

  private Node(ServerProcess process, OutputStream input, LineTail output) {
    this.process = process;
    this.input = input;
    this.output = output;
  }

  /**
   * Starts a JVM of at most 256 MB and returns at once, before its main method runs.
   *
   * @param main a class with a main method
   * @param arguments what its main method gets
   * @return the node
   * @throws TestkitException if the process cannot be started
   */
  public static Node start(Class<?> main, String... arguments) {
    return start(List.of(), main, arguments);
  }

  /**
   * Starts a JVM with options of its own.
   *
   * @param jvmOptions options such as {@code "-Xmx128m"}, which win over ours
   * @param main a class with a main method
   * @param arguments what its main method gets
   * @return the node
   * @throws TestkitException if the process cannot be started
   */
  public static Node start(List<String> jvmOptions, Class<?> main, String... arguments) {
    Path folder = ServerProcess.newFolder();
    List<String> command = new ArrayList<>();
    // The shell becomes the JVM (exec), so that signals reach it. It opens the pipe for both ways,
    // which waits for nobody, and before the file that we wait for.
    command.addAll(
        List.of(
            "/bin/sh", "-c", "mkfifo in && exec <>in && : >out && exec \"$@\" 2>&1 >out", "sh"));
    command.add(ServerProcess.java());
    command.addAll(SMALL);
    command.addAll(jvmOptions);
    command.addAll(List.of("-cp", classPath(), main.getName()));
    command.addAll(List.of(arguments));
    ServerProcess process = ServerProcess.start(main.getSimpleName(), folder, command);
    try {
      ServerProcess.await(
          Duration.ofSeconds(10),
          "the start of " + main.getName(),
          () -> folder.resolve("out").toFile().exists());
      return new Node(
          process, open(folder.resolve("in")), new LineTail(folder.resolve("out"), process));
    } catch (TestkitException e) {
      process.close();
      throw e;
    }
  }

  /**
   * Sends a line to the standard input of the node. A paused node takes about 64 KB before this
   * waits.
   *
   * @param line a line without its end
   * @throws TestkitException if the node is dead
   */
  public void send(String line) {
    if (!process.isAlive()) {
      throw new TestkitException("the node is dead and cannot read '" + line + "': " + log());
    }
    try {
      input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      input.flush();
    } catch (IOException e) {
      throw new TestkitException("the node cannot read '" + line + "': " + log(), e);
    }
  }

  /**
   * Waits for the next line of the node's standard output.
   *
   * @param timeout how long
   * @return the line without its end
   * @throws TestkitException if none comes in time, or the node ended before
   */
  public String readLine(Duration timeout) {
    return output
        .next(timeout)
        .orElseThrow(
            () ->
                new TestkitException(
                    "the node wrote no line within " + timeout + " and ended: " + log()));
  }

  /**
   * Waits for the end of the node and returns the lines that it wrote and nobody read.
   *
   * @param timeout how long in all
   * @return the lines, in their order; the last one may have no end
   * @throws TestkitException if the node still lives after that
   */
  public List<String> readToEnd(Duration timeout) {
    return output.toEnd(timeout);
  }

  /**
   * Returns what the node wrote to its standard error.
   *
   * @return the text so far
   */
  public String log() {
    return process.log();
  }

  /**
   * Returns whether the node lives, paused or not.
   *
   * @return false once its JVM has ended
   */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Stops all threads of the node where they stand (SIGSTOP), until {@link #resume()}. */
  public void pause() {
    process.signal("STOP");
  }

  /** Lets a paused node go on (SIGCONT). */
  public void resume() {
    process.signal("CONT");
  }

  /**
   * Kills the node (SIGKILL) and returns when it is gone; its lines can still be read, but one that
   * it had not ended.
   */
  public void kill() {
    output.cut();
    process.signal("KILL");
  }

  /** Kills the node and removes its files. Idempotent. */
  @Override
  public void close() {
    try {
      input.close();
    } catch (IOException e) {
      throw new TestkitException("cannot close the input of the node", e);
    }
    process.close();
  }

  /** Our class path, for a process with another working directory. */
  private static String classPath() {
    String own = System.getProperty("java.class.path");
    return Arrays.stream(own.split(File.pathSeparator, -1))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static OutputStream open(Path pipe) {
    try {
      // For writing alone, so that a write fails when the node is dead, its only reader.
      return new FileOutputStream(pipe.toFile());
    } catch (IOException e) {
      throw new TestkitException("cannot open " + pipe, e);
    }
  }
}
