package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.internal.Leases.Ended;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A store and 1 to 64 nodes in virtual time: they lease, hoard, burst, pause, die, are cut off and
 * lose messages; their clocks differ. The store and the nodes are the production classes, but for
 * what the rules change.
 */
final class LeaseSimulation {
  private static final int[] NODES = {1, 2, 3, 8, 64};
  private static final int STEPS = 600;
  private static final long LENGTH_MICROS = 1_000_000;

  /** What a broken variant does otherwise. */
  interface Rules {
    default Escrow at(Escrow escrow, long now) {
      return escrow.at(now);
    }

    default Escrow settle(Escrow escrow, String id, long unspent) {
      return escrow.settle(id, unspent);
    }

    default long from(long sent, long received) {
      return sent;
    }
  }

  private record Event(long time, Runnable action) {}

  private final Random random;
  private final Rules rules;
  private final Leases.Terms terms = Leases.Terms.of(Duration.ofSeconds(1));
  private final Figures figures;
  private final List<Node> nodes = new ArrayList<>();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::time));
  private Escrow store;
  private long time;
  private long cutOffUntil;
  private long spent;

  /** What was admitted beyond the rate of late, and when that was so. */
  private double excess;

  private long admittedAt;
  private long worst;

  private final class Node {
    private final double speed = 1 + (random.nextDouble() - 0.5) / 125;
    private Leases leases = new Leases("n");
    private long life;
    private long pausedUntil;

    /** The clock of the node, which is at most 4 in 1,000 faster or slower. */
    private long nanos() {
      return (long) (time * speed * 1_000);
    }
  }

  LeaseSimulation(long seed, Rules rules) {
    random = new Random(seed);
    this.rules = rules;
    int count = NODES[random.nextInt(NODES.length)];
    long burst = count * (4L + random.nextInt(20));
    figures =
        Figures.of(
            Limit.of("a", 1 + random.nextInt((int) (4 * burst)), Duration.ofSeconds(1))
                .burst(burst));
    store = Escrow.full(figures, 0);
    for (int i = 0; i < count; i++) {
      nodes.add(new Node());
    }
  }

  /** Returns by how many tokens some interval was over the bound at most. */
  long run() {
    for (int step = 0; step < STEPS; step++) {
      long next = time + random.nextInt((int) (LENGTH_MICROS / 10));
      while (!events.isEmpty() && events.element().time <= next) {
        Event event = events.remove();
        time = Math.max(time, event.time);
        event.action.run();
      }
      time = next;
      act(nodes.get(random.nextInt(nodes.size())));
    }
    return worst;
  }

  long spent() {
    return spent;
  }

  private void act(Node node) {
    if (node.pausedUntil > time) {
      return;
    }
    switch (random.nextInt(12)) {
      case 0 -> node.pausedUntil = time + random.nextLong(2 * LENGTH_MICROS);
      case 1 -> {
        node.leases = new Leases("n");
        node.life++;
      }
      case 2 -> cutOffUntil = time + random.nextLong(LENGTH_MICROS / 4);
      case 3, 4, 5, 6 -> exchange(node);
      case 7, 8 -> spend(node, 1L + random.nextInt(3));
      default -> {
        // Hoarded until now.
        while (spend(node, 1)) {}
      }
    }
  }

  private boolean spend(Node node, long cost) {
    if (node.leases.spend(cost, node.nanos()) == null) {
      return false;
    }
    spent += cost;
    admit(cost);
    return true;
  }

  private void exchange(Node node) {
    long sent = node.nanos();
    Ended ended = node.leases.stop(sent);
    long life = node.life;
    long wish = 1 + random.nextLong(figures.burst());
    long cost = random.nextInt(4);
    if (isLost()) {
      return;
    }
    later(delay(), () -> serve(node, life, sent, ended, wish, cost));
  }

  private void serve(Node node, long life, long sent, @Nullable Ended ended, long wish, long cost) {
    store = rules.at(store, time);
    if (ended != null) {
      store = rules.settle(store, ended.id(), ended.unspent());
    }
    if (cost <= store.bucket().tokens()) {
      store = store.take(cost);
      admit(cost);
    }
    long tokens = Math.min(wish, store.bucket().tokens());
    if (tokens < 1) {
      return;
    }
    String id = node.leases.nextId();
    store = store.grant(id, tokens, time + terms.outstandingMicros());
    if (!isLost()) {
      later(delay(), () -> receive(node, life, sent, id, tokens));
    }
  }

  private void receive(Node node, long life, long sent, String id, long tokens) {
    if (node.life != life) {
      return;
    }
    if (node.pausedUntil > time) {
      later(node.pausedUntil - time, () -> receive(node, life, sent, id, tokens));
      return;
    }
    node.leases.hold(id, tokens, 0, rules.from(sent, node.nanos()), terms, figures);
  }

  private boolean isLost() {
    return time < cutOffUntil || random.nextInt(20) == 0;
  }

  private long delay() {
    return random.nextInt(10) == 0 ? random.nextLong(2 * LENGTH_MICROS) : random.nextInt(20_000);
  }

  private void later(long micros, Runnable action) {
    events.add(new Event(time + micros, action));
  }

  /** Every interval that ends now is within the bound if the excess is within the burst. */
  private void admit(long cost) {
    double perMicro = figures.capacity() / (double) figures.periodMicros();
    excess = Math.max(0, excess - perMicro * (time - admittedAt)) + cost;
    admittedAt = time;
    worst = Math.max(worst, (long) Math.ceil(excess - figures.burst() - 1e-6));
  }
}
