package dev.escalera.testkit;

import java.util.List;
import java.util.Optional;

/** What a {@code redis-server} process is: what starts it, and which file outlives a restart. */
enum RedisRole {
  /** Serves data alone. */
  STANDALONE(Optional.empty()) {
    @Override
    List<String> arguments() {
      return WITHOUT_PERSISTENCE;
    }
  },
  /** Serves data as a node of a cluster, which it knows again by its file. */
  CLUSTER_NODE(Optional.of("nodes.conf")) {
    @Override
    List<String> arguments() {
      return List.of(
          "--save",
          "",
          "--appendonly",
          "no",
          "--cluster-enabled",
          "yes",
          "--cluster-config-file",
          "nodes.conf");
    }

    @Override
    boolean takes(int port) {
      return port + BUS_OFFSET <= MAX_PORT && ServerProcess.isFree(port + BUS_OFFSET);
    }
  },
  /** Watches over a primary and its replicas; keeps what it knows in its file. */
  SENTINEL(Optional.of("sentinel.conf")) {
    @Override
    List<String> arguments() {
      return List.of("sentinel.conf", "--sentinel");
    }
  };

  private static final List<String> WITHOUT_PERSISTENCE =
      List.of("--save", "", "--appendonly", "no");
  private static final int BUS_OFFSET = 10_000;
  private static final int MAX_PORT = 65_535;

  private final Optional<String> stateFile;

  RedisRole(Optional<String> stateFile) {
    this.stateFile = stateFile;
  }

  /** The file, in the server's folder, that a restarted server finds again. */
  Optional<String> stateFile() {
    return stateFile;
  }

  /** Whether the server can have this free port; a cluster node also needs its bus port. */
  boolean takes(int port) {
    return true;
  }

  abstract List<String> arguments();
}
