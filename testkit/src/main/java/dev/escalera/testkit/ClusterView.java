package dev.escalera.testkit;

import java.util.Arrays;
import java.util.List;

/** One line of {@code CLUSTER NODES}: what one node of a cluster knows of another. */
record ClusterView(String id, int port, List<String> flags, String primaryId, List<String> slots) {
  private static final int FIRST_SLOT_FIELD = 8;

  static List<ClusterView> parse(String nodes) {
    return nodes.lines().map(ClusterView::parseLine).toList();
  }

  boolean servesSlots() {
    return flags.contains("master") && !flags.contains("fail") && !slots.isEmpty();
  }

  boolean serves(int slot) {
    return slots.stream().anyMatch(range -> covers(range, slot));
  }

  boolean isReplicaOf(ClusterView primary) {
    return flags.contains("slave") && primaryId.equals(primary.id);
  }

  /** Whether the node is held to be alive and known by its address. */
  boolean isAlive() {
    return flags.stream().noneMatch(flag -> flag.startsWith("fail") || flag.equals("handshake"));
  }

  /** What the node is for the others, to be compared between them. */
  String place() {
    return id + " replica of " + primaryId + " slots " + slots;
  }

  private static ClusterView parseLine(String line) {
    String[] fields = line.split(" ", -1);
    String address = fields[1];
    int port = Integer.parseInt(address.substring(address.indexOf(':') + 1, address.indexOf('@')));
    // [slot->-node] stands for a slot on its way and says nothing of its owner.
    List<String> slots =
        Arrays.stream(fields)
            .skip(FIRST_SLOT_FIELD)
            .filter(range -> !range.startsWith("["))
            .toList();
    return new ClusterView(fields[0], port, List.of(fields[2].split(",", -1)), fields[3], slots);
  }

  private static boolean covers(String range, int slot) {
    String[] ends = range.split("-", -1);
    int first = Integer.parseInt(ends[0]);
    int last = Integer.parseInt(ends[ends.length - 1]);
    return first <= slot && slot <= last;
  }
}
