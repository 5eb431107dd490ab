package dev.escalera.examples.quickstart;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * The messages of an NDJSON stream, read as they are asked for; bad lines are reported, counted and
 * kept apart.
 */
final class MessageFile implements Iterator<Message>, Closeable {
  /** How many bad lines are reported one by one. */
  static final int REPORTED = 20;

  private final String name;
  private final LineReader lines;
  private final OutputStream rejects;
  private final PrintStream errors;
  private long lineNumber;
  private long bad;
  private boolean ended;
  private Optional<Message> next = Optional.empty();

  MessageFile(String name, InputStream in, OutputStream rejects, PrintStream errors)
      throws IOException {
    this.name = name;
    this.lines = LineReader.of(in);
    this.rejects = rejects;
    this.errors = errors;
  }

  /** How many lines held no message or could not be read, so far. */
  long bad() {
    return bad;
  }

  @Override
  public boolean hasNext() {
    while (next.isEmpty() && !ended) {
      Optional<LineReader.Line> line = nextLine();
      ended = line.isEmpty();
      next = line.flatMap(this::read);
    }
    return next.isPresent();
  }

  @Override
  public Message next() {
    if (!hasNext()) {
      throw new NoSuchElementException(name + " has no more messages");
    }
    Message message = next.orElseThrow();
    next = Optional.empty();
    return message;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private Optional<LineReader.Line> nextLine() {
    lineNumber++;
    try {
      return lines.next();
    } catch (IOException e) {
      // What was read is good; a file that is cut off ends here.
      report("cannot be read on: " + e.getMessage());
      return Optional.empty();
    }
  }

  private Optional<Message> read(LineReader.Line line) {
    if (line.text().isEmpty()) {
      reject(line, line.problem());
      return Optional.empty();
    }
    String text = line.text().get();
    if (text.isBlank()) {
      return Optional.empty();
    }
    try {
      return Optional.of(MessageParser.parse(text));
    } catch (MessageParser.BadLineException e) {
      reject(line, String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private void reject(LineReader.Line line, String problem) {
    report(problem);
    try {
      rejects.write(line.bytes().getBytes(StandardCharsets.ISO_8859_1));
      rejects.write('\n');
    } catch (IOException e) {
      throw new UncheckedIOException("the rejects cannot be written: " + e.getMessage(), e);
    }
  }

  private void report(String problem) {
    bad++;
    if (bad <= REPORTED) {
      errors.println(name + ":" + lineNumber + ": " + problem);
    } else if (bad == REPORTED + 1) {
      errors.println(name + ": more bad lines follow; --rejects FILE keeps them all");
    }
  }
}
