package dev.escalera.testkit;

import java.io.IOException;
import java.net.Socket;

/** Looks at ports. */
final class TestNet {
  private TestNet() {}

  static boolean accepts(String hostPort) {
    int colon = hostPort.lastIndexOf(':');
    try (Socket socket =
        new Socket(hostPort.substring(0, colon), Integer.parseInt(hostPort.substring(colon + 1)))) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }
}
