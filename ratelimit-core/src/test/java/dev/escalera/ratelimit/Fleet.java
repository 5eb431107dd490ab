package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.FleetNode.Grant;
import dev.escalera.ratelimit.IntervalOracle.Span;
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

  /**
   * Runs four nodes that lease tokens of one bucket, of which one is killed and one stands still
   * for longer than its lease: no interval is granted more than the bound, most of it from leases.
   */
  public void assertLeasesKeepTheBound(Limit limit, Duration lease, Duration time)
      throws InterruptedException {
    awaitReady();
    run(time);
    Node paused = nodes.get(0);
    Node killed = nodes.get(1);
    Thread.sleep(time.toMillis() / 4);
    paused.pause();
    Thread.sleep(3 * lease.toMillis() / 2);
    paused.resume();
    Thread.sleep(time.toMillis() / 4);
    killed.kill();

    List<Grant> grants = new ArrayList<>();
    for (Node node : nodes) {
      if (node != killed) {
        grants.addAll(await(node, time).grants());
      }
    }

    List<Span> spans = grants.stream().map(grant -> new Span(grant.from(), grant.to())).toList();
    assertThat(IntervalOracle.worstExcess(limit, spans)).as("over the bound by").isLessThan(1);
    long leased = grants.stream().filter(grant -> grant.source() == DecisionSource.LEASE).count();
    assertThat(leased).as("of %d grants", grants.size()).isGreaterThan(grants.size() / 2L);
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
