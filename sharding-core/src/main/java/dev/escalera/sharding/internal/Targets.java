package dev.escalera.sharding.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The servers or databases that have buckets, by name, and the catalog on the first of them.
 * Immutable.
 */
public final class Targets {
  /** Of the first target, until a builder gives names. */
  public static final String MAIN = "main";

  private final CatalogStore catalog;
  private final Map<String, BucketStore> stores;
  private final List<String> names;

  /** The order of the stores is that of the targets. */
  public Targets(CatalogStore catalog, Map<String, ? extends BucketStore> stores) {
    this.catalog = catalog;
    this.stores = new LinkedHashMap<>(stores);
    this.names = List.copyOf(this.stores.keySet());
  }

  /** Throws IllegalArgumentException if a name is none. */
  public static String checkName(String name) {
    if (!name.matches("[A-Za-z0-9_-]{1,100}")) {
      throw new IllegalArgumentException(
          "a target is named \""
              + Names.escape(name)
              + "\", expected 1 to 100 ASCII letters, digits, - and _");
    }
    return name;
  }

  CatalogStore catalog() {
    return catalog;
  }

  List<String> names() {
    return names;
  }

  boolean isOne() {
    return names.size() == 1;
  }

  BucketStore first() {
    return store(names.get(0));
  }

  /** Throws IllegalStateException if the catalog names a target that this router was not given. */
  BucketStore store(String name) {
    BucketStore store = stores.get(name);
    if (store == null) {
      throw new IllegalStateException(
          "the catalog names target \"" + name + "\", but this router was given " + names);
    }
    return store;
  }

  /** Returns how many queries and counts are well asked at a time, of all stores. */
  int queriesAtOnce() {
    int least = Bounded.AT_ONCE;
    for (BucketStore store : stores.values()) {
      least = Math.min(least, store.queriesAtOnce());
    }
    return least;
  }

  void close() {
    stores.values().forEach(BucketStore::close);
  }
}
