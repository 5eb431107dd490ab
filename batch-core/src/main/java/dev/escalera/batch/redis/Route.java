package dev.escalera.batch.redis;

import java.util.concurrent.CompletableFuture;

/** Which server a call goes to. */
interface Route extends AutoCloseable {
  /** A server, with its one connection. */
  record Server(RedisLink link, Fences fences) {}

  /** Returns the server of a slot; fails if it cannot be found out. */
  CompletableFuture<Server> server(int slot);

  /**
   * Whether calls are of different servers or slots, so that no command may have keys of several.
   */
  boolean isCluster();

  /** Returns the server of an address that another one has named; fails if it is not known. */
  CompletableFuture<Server> server(String host, int port);

  /** Takes note of a sign that slots have moved: MOVED, or a server that does not answer. */
  void suspect();

  @Override
  void close();

  /** Returns the one server of a client. */
  static Route to(Server server) {
    return new Route() {
      @Override
      public CompletableFuture<Server> server(int slot) {
        return CompletableFuture.completedFuture(server);
      }

      @Override
      public boolean isCluster() {
        return false;
      }

      @Override
      public CompletableFuture<Server> server(String host, int port) {
        return CompletableFuture.failedFuture(
            new IllegalStateException("Redis is a cluster, and the client is not one of clusters"));
      }

      @Override
      public void suspect() {
        // There is no other server.
      }

      @Override
      public void close() {
        server.fences().close();
        server.link().close();
      }
    };
  }
}
