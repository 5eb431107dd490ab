package dev.escalera.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection that speaks the Redis protocol, version 2, one command at a time, so that the
 * testkit drives its servers without a client library.
 */
final class Resp implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;
  private final Charset charset;

  private Resp(Socket socket, Charset charset) throws IOException {
    this.socket = socket;
    this.charset = charset;
    this.in = new BufferedInputStream(socket.getInputStream());
  }

  static Resp connect(int port, Duration timeout) throws IOException {
    return connect(port, timeout, StandardCharsets.UTF_8);
  }

  /** Connects with a charset of its own; ISO 8859-1 gives and takes every byte as it is. */
  static Resp connect(int port, Duration timeout, Charset charset) throws IOException {
    Socket socket = new Socket();
    try {
      int millis = Math.toIntExact(timeout.toMillis());
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), millis);
      socket.setSoTimeout(millis);
      return new Resp(socket, charset);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * Returns the reply: a String, a Long, null, or a list of them.
   *
   * @throws TestkitException if the server answers with an error
   */
  @Nullable Object call(List<String> command) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(ascii("*" + command.size() + "\r\n"));
    for (String part : command) {
      byte[] encoded = part.getBytes(charset);
      bytes.write(ascii("$" + encoded.length + "\r\n"));
      bytes.write(encoded);
      bytes.write(ascii("\r\n"));
    }
    OutputStream out = socket.getOutputStream();
    out.write(bytes.toByteArray());
    out.flush();
    return read(command);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private @Nullable Object read(List<String> command) throws IOException {
    String line = line();
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+' -> rest;
      case '-' -> throw new TestkitException(String.join(" ", command) + " failed: " + rest);
      case ':' -> Long.valueOf(rest);
      case '$' -> bulk(Integer.parseInt(rest));
      case '*' -> array(Integer.parseInt(rest), command);
      default -> throw new IOException("not a reply of the Redis protocol: " + line);
    };
  }

  private @Nullable String bulk(int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] bytes = in.readNBytes(length);
    line();
    return new String(bytes, charset);
  }

  private @Nullable List<@Nullable Object> array(int size, List<String> command)
      throws IOException {
    if (size < 0) {
      return null;
    }
    List<@Nullable Object> items = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      items.add(read(command));
    }
    return items;
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the server closed the connection");
      }
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(charset);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
