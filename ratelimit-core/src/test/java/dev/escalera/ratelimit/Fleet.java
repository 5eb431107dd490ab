package dev.escalera.ratelimit;

import dev.escalera.ratelimit.FleetNode.Grant;
import dev.escalera.testkit.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Further JVMs that share a limit, each of which is a {@link FleetNode}. */
public final class Fleet implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<Node> nodes = new ArrayList<>();

  /** What a node did in all. */
  public record Done(List<Grant> grants, long decisions, long remoteCalls, long remoteDecisions) {}

  /** Adds a node and starts it; {@link #awaitReady} waits for it. */
  public Fleet add(Class<?> main, String... arguments) {
    nodes.add(Node.start(main, arguments));
    return this;
  }

  public Fleet awaitReady() {
    for (Node node : nodes) {
      expect(node, "ready");
    }
    return this;
  }

  public List<Node> nodes() {
    return nodes;
  }

  public void run(Duration time) {
    for (Node node : nodes) {
      node.send("run " + time.toSeconds());
    }
  }

  /** Waits until the node has told of its run. */
  public Done await(Node node, Duration time) {
    List<Grant> grants = new ArrayList<>();
    String line = node.readLine(time.plus(PATIENCE));
    while (!line.startsWith("done ")) {
      grants.add(Grant.parse(line));
      line = node.readLine(PATIENCE);
    }
    String[] sums = line.split(" ", -1);
    return new Done(
        grants, Long.parseLong(sums[1]), Long.parseLong(sums[2]), Long.parseLong(sums[3]));
  }

  /** Lets the node close its limiter and end. */
  public void end(Node node) {
    node.send("end");
    expect(node, "closed");
  }

  @Override
  public void close() {
    nodes.forEach(Node::close);
  }

  private static void expect(Node node, String line) {
    String read = node.readLine(PATIENCE);
    if (!read.equals(line)) {
      throw new AssertionError("the node said " + read + ", expected " + line + ": " + node.log());
    }
  }
}
