package dev.escalera.ratelimit.redis;

import static dev.escalera.ratelimit.redis.LuaScript.utf8;

import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.Keys;
import dev.escalera.ratelimit.internal.LeaseBook;
import dev.escalera.ratelimit.internal.Leases;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.Store;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.SlotHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The buckets in Redis: one string a bucket, which expires when it is full. */
final class RedisBuckets implements Store {
  private static final LuaScript RESET = LuaScript.load("reset.lua", ScriptOutputType.INTEGER);

  private final RedisCalls calls;
  private final boolean cluster;
  private final Asks asks;
  private final NodeCount nodes;
  private final LeaseBook book;
  private final Map<String, Leases.Terms> terms;
  private final Duration closeTimeout;
  private final ProcessClock clock;
  private final Map<Target.Key, CompletableFuture<Fetched>> fetches = new ConcurrentHashMap<>();

  /**
   * Makes the buckets.
   *
   * @param terms of the limits whose tokens are leased
   */
  RedisBuckets(
      RedisCalls calls,
      boolean cluster,
      Asks asks,
      NodeCount nodes,
      LeaseBook book,
      Map<String, Leases.Terms> terms,
      Duration closeTimeout,
      ProcessClock clock) {
    this.clock = clock;
    this.calls = calls;
    this.cluster = cluster;
    this.asks = asks;
    this.nodes = nodes;
    this.book = book;
    this.terms = terms;
    this.closeTimeout = closeTimeout;
  }

  @Override
  public void check(List<Target> targets) {
    if (!cluster) {
      return;
    }
    Target first = null;
    for (Target target : targets) {
      if (isLeased(target)) {
        continue;
      }
      first = first == null ? target : first;
      if (slot(target) != slot(first)) {
        throw new IllegalArgumentException(
            first.key()
                + " and "
                + target.key()
                + " are in the slots "
                + slot(first)
                + " and "
                + slot(target)
                + " of the cluster, expected one; limits of one subject are in one,"
                + " leased ones may be in any");
      }
    }
  }

  @Override
  public boolean isMerged(List<Target> targets) {
    return targets.size() == 1 || targets.stream().noneMatch(this::isLeased);
  }

  @Override
  public @Nullable Spent spend(List<Target> targets, long cost) {
    for (int i = 0; i < targets.size(); i++) {
      if (!isLeased(targets.get(i))) {
        return null;
      }
    }
    return book.spend(targets, cost);
  }

  @Override
  public CompletionStage<Reply> take(Batch batch, long timeoutNanos) {
    List<Target> targets = batch.targets();
    if (!isMerged(targets) && !batch.costs().isEmpty()) {
      return new Reservation(this, book, targets, batch.costs().get(0), timeoutNanos).take();
    }
    Leases.Terms leased = terms.get(targets.get(0).limit().name());
    if (leased == null || batch.costs().isEmpty()) {
      return ask(batch, timeoutNanos);
    }
    LeaseBook.Turn turn = book.turn(targets.get(0).key(), batch.costs(), leased);
    return ask(batch, turn, 0, timeoutNanos).thenApply(Fetched::reply);
  }

  /**
   * A call on a bucket of which tokens are leased.
   *
   * @param reply what it answered
   * @param lease that was asked for, empty if none was
   * @param granted how many tokens are leased to this node
   * @param spent whether those that were to be spent at once are
   */
  record Fetched(Reply reply, String lease, long granted, boolean spent) {}

  /**
   * Fetches a lease and spends the cost from it, or waits for one that is being fetched, of which
   * nothing is spent.
   */
  CompletableFuture<Fetched> fetch(Target target, long cost, long timeoutNanos) {
    Leases.Terms leased = terms.get(target.limit().name());
    if (leased == null) {
      throw new IllegalArgumentException(target.key() + " is not leased");
    }
    CompletableFuture<Fetched> mine = new CompletableFuture<>();
    CompletableFuture<Fetched> other = fetches.putIfAbsent(target.key(), mine);
    if (other != null) {
      return other.thenApply(fetched -> new Fetched(fetched.reply, "", 0, false));
    }
    LeaseBook.Turn turn = book.reserve(target.key(), cost, leased);
    ask(new Batch(List.of(target), List.of(), 0), turn, cost, timeoutNanos)
        .whenComplete(
            (fetched, failure) -> {
              fetches.remove(target.key(), mine);
              if (failure == null) {
                mine.complete(fetched);
              } else {
                mine.completeExceptionally(failure);
              }
            });
    return mine;
  }

  /** Asks about exact buckets. */
  CompletableFuture<Reply> ask(Batch batch, long timeoutNanos) {
    return call(batch, null, timeoutNanos)
        .thenApply(answer -> new Reply(before(batch.targets(), answer), answer.debited(), 0));
  }

  /**
   * Asks about one bucket of which tokens are leased.
   *
   * @param spends how many of the tokens that are granted are spent at once; none if there are too
   *     few
   */
  private CompletableFuture<Fetched> ask(
      Batch batch, LeaseBook.Turn turn, long spends, long timeoutNanos) {
    Target.Key key = batch.targets().get(0).key();
    return call(batch, turn, timeoutNanos)
        .whenComplete(
            (answer, failure) -> {
              if (failure != null) {
                book.waste(turn.ended());
              }
            })
        .thenApply(
            answer -> {
              List<TokenBucket> before = before(batch.targets(), answer);
              Asks.Bucket bucket = answer.buckets().get(0);
              boolean spent = bucket.granted() >= spends;
              book.granted(
                  key, turn, bucket.granted(), spent ? spends : 0, before.get(0).figures());
              Figures figures = before.get(0).figures();
              long pause = bucket.shared() ? turn.terms().pauseNanos(figures) : 0;
              return new Fetched(
                  new Reply(before, answer.debited(), pause),
                  turn.id() == null ? "" : turn.id(),
                  bucket.granted(),
                  spent);
            });
  }

  /** Runs the script; {@code turn} is of the only bucket. */
  CompletableFuture<Asks.Answer> call(
      Batch batch, LeaseBook.@Nullable Turn turn, long timeoutNanos) {
    List<Target> targets = batch.targets();
    byte[][] keys = new byte[targets.size()][];
    List<byte[]> arguments = new ArrayList<>(2 * targets.size() + 5);
    arguments.add(number(targets.size()));
    arguments.add(number(batch.debit()));
    for (int i = 0; i < keys.length; i++) {
      keys[i] = utf8(key(targets.get(i).key()));
      arguments.add(utf8(targets.get(i).figures().text()));
      arguments.add(utf8(turn == null ? "" : text(turn)));
    }
    addRuns(batch.costs(), arguments);
    return asks.ask(keys, arguments, timeoutNanos);
  }

  @Override
  public CompletionStage<?> reset(Target target, long timeoutNanos) {
    book.forget(target.key());
    byte[][] keys = {utf8(key(target.key()))};
    return calls.<Long>call(redis -> RESET.run(redis, keys), timeoutNanos);
  }

  @Override
  public boolean isAvailable() {
    return calls.isAvailable();
  }

  @Override
  public int nodes() {
    return nodes.last();
  }

  @Override
  public void close() {
    book.close(this::giveBack, closeTimeout);
    nodes.close();
    calls.close();
  }

  /** Settles a lease by itself; tells whether all of it was credited. */
  private CompletionStage<Boolean> giveBack(Target.Key key, Leases.Ended lease) {
    Target target = new Target(key, lease.figures().limit(key.limit()), lease.figures());
    LeaseBook.Turn turn = LeaseBook.Turn.ending(lease);
    return call(new Batch(List.of(target), List.of(), 0), turn, closeTimeout.toNanos())
        .thenApply(answer -> answer.buckets().get(0).credited() == lease.unspent());
  }

  /** The time of this process, where Redis was not asked. */
  long micros() {
    return clock.epochNanos() / 1_000;
  }

  boolean isLeased(Target target) {
    return terms.containsKey(target.limit().name());
  }

  /** Limits of one subject share a hash tag, so that a cluster can decide on them together. */
  static String key(Target.Key key) {
    return "escalera:ratelimit:{" + Keys.escape(key.subject()) + "}:" + Keys.escape(key.limit());
  }

  private static int slot(Target target) {
    return SlotHash.getSlot(key(target.key()));
  }

  /** Equal costs that follow each other as the cost and how often. */
  private static void addRuns(List<Long> costs, List<byte[]> arguments) {
    int count = arguments.size();
    for (int i = 0; i < costs.size(); ) {
      int end = i + 1;
      while (end < costs.size() && costs.get(end).equals(costs.get(i))) {
        end++;
      }
      arguments.add(number(costs.get(i)));
      arguments.add(number(end - i));
      i = end;
    }
    arguments.add(count, number((arguments.size() - count) / 2));
  }

  private static String text(LeaseBook.Turn turn) {
    Leases.Ended ended = turn.ended();
    return (ended == null ? "- 0 " : ended.id() + " " + ended.unspent() + " ")
        + (turn.id() == null
            ? "- 0 0 0"
            : turn.id()
                + " "
                + turn.wish()
                + " "
                + turn.least()
                + " "
                + turn.terms().outstandingMicros());
  }

  private static List<TokenBucket> before(List<Target> targets, Asks.Answer answer) {
    List<TokenBucket> before = new ArrayList<>(targets.size());
    for (int i = 0; i < targets.size(); i++) {
      Asks.Bucket bucket = answer.buckets().get(i);
      String holding = bucket.figures();
      Figures figures = holding == null ? targets.get(i).figures() : Figures.parse(holding);
      before.add(new TokenBucket(bucket.tokens(), bucket.remainder(), answer.now(), figures));
    }
    return before;
  }

  private static byte[] number(long number) {
    return utf8(Long.toString(number));
  }
}
