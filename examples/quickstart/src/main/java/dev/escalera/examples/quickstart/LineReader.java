package dev.escalera.examples.quickstart;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** Reads UTF-8 lines, plain or gzip, in bounded memory. */
final class LineReader implements Closeable {
  /** The longest line that is read; what is beyond it is passed over. */
  static final int MAX_LINE_BYTES = 1 << 20;

  private static final int BUFFER = 1 << 16;

  private final InputStream in;

  private LineReader(InputStream in) {
    this.in = in;
  }

  /**
   * A line: its text, or why there is none; the bytes as they came, a character each, cut at the
   * longest line.
   */
  record Line(Optional<String> text, String problem, String bytes) {}

  static LineReader of(InputStream raw) throws IOException {
    BufferedInputStream buffered = new BufferedInputStream(raw, BUFFER);
    buffered.mark(2);
    boolean gzip = buffered.read() == 0x1f && buffered.read() == 0x8b;
    buffered.reset();
    return new LineReader(
        gzip ? new BufferedInputStream(new GZIPInputStream(buffered, BUFFER), BUFFER) : buffered);
  }

  /** Returns the next line, empty at the end. */
  Optional<Line> next() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    boolean any = false;
    boolean tooLong = false;
    for (int b = in.read(); b != -1; b = in.read()) {
      any = true;
      if (b == '\n') {
        break;
      }
      tooLong = tooLong || bytes.size() == MAX_LINE_BYTES;
      if (!tooLong) {
        bytes.write(b);
      }
    }
    return any ? Optional.of(line(bytes.toByteArray(), tooLong)) : Optional.empty();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private static Line line(byte[] bytes, boolean tooLong) {
    String raw = new String(bytes, StandardCharsets.ISO_8859_1);
    if (tooLong) {
      return new Line(Optional.empty(), "longer than " + MAX_LINE_BYTES + " bytes", raw);
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return new Line(Optional.of(text), "", raw);
    } catch (CharacterCodingException e) {
      return new Line(Optional.empty(), "not UTF-8", raw);
    }
  }
}
