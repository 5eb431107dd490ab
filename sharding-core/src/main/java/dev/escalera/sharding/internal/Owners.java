package dev.escalera.sharding.internal;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A table of slots to owners. The one of n + 1 owners is that of n, of whose owners each has given
 * slots to the new one until all have equally many: no more moves than must.
 */
final class Owners {
  private record Size(int slots, int owners) {}

  private static final Map<Size, Owners> KNOWN = new ConcurrentHashMap<>();

  private final short[] table;

  private Owners(Size size) {
    table = new short[size.slots()];
    int[] counts = new int[size.owners()];
    counts[0] = table.length;
    for (int owners = 2; owners <= size.owners(); owners++) {
      add(owners - 1, counts);
    }
  }

  static Owners of(int slots, int owners) {
    return KNOWN.computeIfAbsent(new Size(slots, owners), Owners::new);
  }

  int owner(int slot) {
    return table[slot];
  }

  private void add(int owner, int[] counts) {
    int share = table.length / (owner + 1);
    // Who gives, and how many: from the fullest, so that no one has two more than another.
    int[] gives = new int[owner];
    for (int i = 0; i < share; i++) {
      int fullest = 0;
      for (int other = 1; other < owner; other++) {
        if (counts[other] > counts[fullest]) {
          fullest = other;
        }
      }
      counts[fullest]--;
      gives[fullest]++;
    }
    counts[owner] = share;
    for (int slot = table.length - 1; slot >= 0; slot--) {
      if (gives[table[slot]] > 0) {
        gives[table[slot]]--;
        table[slot] = (short) owner;
      }
    }
  }
}
