package dev.escalera.examples.quickstart;

import dev.escalera.testkit.FirestoreEmulator;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.OptionalLong;

/** Stores messages, queries them through a cache, limits some users, and prints what it cost. */
public final class Quickstart {
  static final int DONE = 0;
  static final int FAILURE = 1;
  static final int BAD_INPUT = 2;

  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;
  private final boolean firestoreAvailable;

  Quickstart(
      InputStream in,
      PrintStream out,
      PrintStream err,
      boolean terminal,
      boolean firestoreAvailable) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.terminal = terminal;
    this.firestoreAvailable = firestoreAvailable;
  }

  /**
   * Runs the example and ends the JVM with its exit status.
   *
   * @param args the options, see {@code --help}
   */
  public static void main(String[] args) {
    Quickstart quickstart =
        new Quickstart(
            System.in, System.out, System.err, isTerminal(), FirestoreEmulator.isAvailable());
    System.exit(quickstart.run(args));
  }

  /** Returns the exit status. */
  int run(String... args) {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        out.print(Options.USAGE);
        return DONE;
      }
      return options.data().isPresent()
          ? runFile(options, options.data().get())
          : runGenerated(options);
    } catch (UsageException e) {
      err.println("quickstart: " + e.getMessage());
      return BAD_INPUT;
    } catch (IOException | RuntimeException e) {
      err.println("quickstart: " + e.getMessage());
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        err.println("  since: " + cause);
      }
      return FAILURE;
    }
  }

  /** Asked of the shell: {@code System.console()} tells it on some JDKs only. */
  private static boolean isTerminal() {
    try {
      return new ProcessBuilder("/bin/sh", "-c", "test -t 1").inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private int runGenerated(Options options) {
    runJob(
        new MessageGenerator(options.messages(), options.seed()),
        OptionalLong.of(options.messages()));
    return DONE;
  }

  private int runFile(Options options, String data) throws UsageException, IOException {
    String name = data.equals("-") ? "standard input" : data;
    try (InputStream input = open(data);
        OutputStream rejects =
            options.rejects().isPresent()
                ? create(options.rejects().get())
                : OutputStream.nullOutputStream();
        MessageFile messages = file(name, input, rejects)) {
      if (!messages.hasNext()) {
        throw new UsageException(name + " holds no message");
      }
      runJob(messages, OptionalLong.empty());
      if (messages.bad() == 0) {
        return DONE;
      }
      err.println(name + ": " + messages.bad() + " bad lines were left out");
      return BAD_INPUT;
    }
  }

  private MessageFile file(String name, InputStream input, OutputStream rejects)
      throws UsageException {
    try {
      return new MessageFile(name, input, rejects, err);
    } catch (IOException e) {
      throw new UsageException(name + " cannot be read: " + e.getMessage());
    }
  }

  private InputStream open(String data) throws UsageException {
    if (data.equals("-")) {
      return in;
    }
    Path file = Path.of(data);
    try {
      if (Files.isDirectory(file)) {
        throw new UsageException(data + " cannot be read: it is a folder");
      }
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw new UsageException(data + " cannot be read: " + reason(e));
    }
  }

  private static OutputStream create(String rejects) throws UsageException {
    try {
      return new BufferedOutputStream(Files.newOutputStream(Path.of(rejects)));
    } catch (IOException e) {
      throw new UsageException(rejects + " cannot be written: " + reason(e));
    }
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    return String.valueOf(e.getMessage());
  }

  private void runJob(Iterator<Message> messages, OptionalLong count) {
    if (!firestoreAvailable) {
      out.println("Left out: Firestore; the messages go to Redis. " + FirestoreEmulator.HOW_TO_GET);
    }
    try (Servers servers = Servers.start(firestoreAvailable);
        Dashboard dashboard = Dashboard.open(servers.redis(), servers.firestore())) {
      new Job(dashboard, out, terminal).run(messages, count).print(out);
    }
  }
}
