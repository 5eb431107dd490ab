package dev.escalera.sharding.redis;

import static dev.escalera.sharding.redis.LuaScript.utf8;

import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.Entry;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** The catalog in Redis: a hash a collection, from the names of buckets to their entries. */
final class RedisCatalog implements CatalogStore {
  private static final int AT_ONCE = 1_000;
  private static final LuaScript REGISTER = LuaScript.load("register.lua", ScriptOutputType.MULTI);
  private static final LuaScript CHANGE = LuaScript.load("change.lua", ScriptOutputType.INTEGER);
  private static final LuaScript LIST = LuaScript.load("list.lua", ScriptOutputType.MULTI);

  private final Route route;

  RedisCatalog(Route route) {
    this.route = route;
  }

  @Override
  public CompletableFuture<List<Registered>> register(List<Entry> proposed) {
    Map<String, List<Integer>> byCollection = new LinkedHashMap<>();
    for (int i = 0; i < proposed.size(); i++) {
      byCollection
          .computeIfAbsent(proposed.get(i).bucket().collection(), name -> new ArrayList<>())
          .add(i);
    }
    Registered[] standing = new Registered[proposed.size()];
    List<CompletableFuture<Void>> parts = new ArrayList<>();
    byCollection.forEach(
        (collection, all) ->
            IntStream.iterate(0, from -> from < all.size(), from -> from + AT_ONCE)
                .mapToObj(from -> all.subList(from, Math.min(all.size(), from + AT_ONCE)))
                .forEach(part -> parts.add(register(collection, proposed, part, standing))));
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> List.of(standing));
  }

  @Override
  public CompletableFuture<List<Optional<Entry>>> read(List<Bucket> buckets) {
    List<CompletableFuture<Optional<Entry>>> all = buckets.stream().map(this::read).toList();
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> all.stream().map(CompletableFuture::join).toList());
  }

  @Override
  public CompletableFuture<Listing> list(String collection, String knownVersion) {
    byte[][] keys = {utf8(key(collection))};
    CompletableFuture<List<byte[]>> found =
        route.call(key(collection), redis -> LIST.run(redis, keys, utf8(knownVersion)));
    return found.thenApplyAsync(
        parts -> {
          String version = text(parts.get(0));
          if (parts.size() == 1) {
            return new Listing(
                version, version.equals(knownVersion) ? Optional.empty() : Optional.of(List.of()));
          }
          List<Entry> entries = new ArrayList<>();
          for (int i = 1; i + 1 < parts.size(); i += 2) {
            String entry = text(parts.get(i + 1));
            Bucket.parse(collection, text(parts.get(i)))
                .ifPresent(bucket -> entries.add(Entry.parse(bucket, entry)));
          }
          return new Listing(version, Optional.of(entries));
        });
  }

  @Override
  public CompletableFuture<Boolean> change(Entry expected, Entry next) {
    String key = key(expected.bucket().collection());
    byte[][] keys = {utf8(key)};
    byte[] name = utf8(expected.bucket().name());
    CompletableFuture<Long> changed =
        route.call(
            key, redis -> CHANGE.run(redis, keys, name, utf8(expected.text()), utf8(next.text())));
    return changed.thenApply(done -> done == 1);
  }

  @Override
  public CompletableFuture<Instant> now() {
    return CompletableFuture.failedFuture(
        new IllegalArgumentException(
            "Redis keeps no old versions: a query asOfNow() is for Firestore and Local; leave it"
                + " out"));
  }

  @Override
  public CompletableFuture<byte[]> secret(byte[] proposed) {
    String key = RedisBuckets.PREFIX + "cursor-secret";
    return route
        .call(key, redis -> redis.set(utf8(key), proposed, SetArgs.Builder.nx()))
        .thenCompose(done -> route.call(key, redis -> redis.get(utf8(key))));
  }

  private CompletableFuture<Void> register(
      String collection, List<Entry> proposed, List<Integer> places, Registered[] standing) {
    byte[][] keys = {utf8(key(collection))};
    List<byte[]> arguments = new ArrayList<>();
    for (int place : places) {
      arguments.add(utf8(proposed.get(place).bucket().name()));
      arguments.add(utf8(proposed.get(place).text()));
    }
    CompletableFuture<List<byte[]>> answered =
        route.call(
            key(collection), redis -> REGISTER.run(redis, keys, arguments.toArray(byte[][]::new)));
    return answered.thenAccept(
        texts -> {
          for (int i = 0; i < places.size(); i++) {
            int place = places.get(i);
            Bucket bucket = proposed.get(place).bucket();
            standing[place] =
                new Registered(
                    Entry.parse(bucket, text(texts.get(2 * i))),
                    text(texts.get(2 * i + 1)).equals("new"));
          }
        });
  }

  private CompletableFuture<Optional<Entry>> read(Bucket bucket) {
    String key = key(bucket.collection());
    return route
        .call(key, redis -> redis.hget(utf8(key), utf8(bucket.name())))
        .thenApply(
            found -> Optional.ofNullable(found).map(entry -> Entry.parse(bucket, text(entry))));
  }

  private static String key(String collection) {
    return RedisBuckets.PREFIX + "{" + collection + "}:catalog";
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
