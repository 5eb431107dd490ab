package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import dev.escalera.ratelimit.internal.Counters;
import dev.escalera.ratelimit.internal.Escrow;
import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.LeaseBook;
import dev.escalera.ratelimit.internal.Leases;
import dev.escalera.ratelimit.internal.Store.Batch;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import dev.escalera.testkit.ModelTest;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The script keeps leases as {@link Escrow} does, on which the proof of the bound is. */
@WithRedis
class EscrowScriptTest {
  private static final int HISTORIES = 150;
  private static final int STEPS = 60;
  private static final long MILLION = 1_000_000;

  private final RedisClient client;
  private long now;

  EscrowScriptTest(RedisClient client) {
    this.client = client;
  }

  @Test
  void random_histories_of_leases_are_the_same_in_both() {
    try (StatefulRedisConnection<byte[], byte[]> connection =
            client.connect(ByteArrayCodec.INSTANCE);
        RedisCalls calls = new RedisCalls(connector(connection), "test")) {
      Counters counters = new Counters(List.of("a"));
      ManualClock process = new ManualClock();
      Asks asks = new Asks(calls, true, () -> OptionalLong.of(now), counters);
      RedisBuckets buckets =
          new RedisBuckets(
              calls,
              false,
              asks,
              new NodeCount(calls, false),
              new LeaseBook(counters, process.process()),
              Map.of(),
              Duration.ofSeconds(1),
              process.process());
      ModelTest.named("leases").seeds(HISTORIES).check(random -> history(buckets, random));
    }
  }

  private static RedisCalls.Connector connector(StatefulRedisConnection<byte[], byte[]> open) {
    return new RedisCalls.Connector() {
      @Override
      public RedisCalls.Connection connect() {
        return new RedisCalls.Connection(open, open.async());
      }

      @Override
      public boolean isCluster() {
        return false;
      }
    };
  }

  private void history(RedisBuckets buckets, Random random) {
    Target.Key key = new Target.Key("a", UUID.randomUUID().toString());
    List<Limit> limits = List.of(limit(random, 0), limit(random, 0), limit(random, 1));
    List<Leases.Ended> granted = new ArrayList<>();
    Escrow model = null;
    now = 1_700_000_000 * MILLION;
    for (int step = 0; step < STEPS; step++) {
      now += time(random);
      Limit limit = limits.get(random.nextInt(20) == 0 ? random.nextInt(3) : 0);
      Target target = new Target(key, limit, Figures.of(limit));
      List<Long> costs = random.nextInt(3) == 0 ? List.of() : costs(random);
      Leases.Ended ended = null;
      if (!granted.isEmpty() && random.nextBoolean()) {
        // Now and then one that was settled before, or is over.
        Leases.Ended one = granted.get(random.nextInt(granted.size()));
        long unspent = random.nextLong(one.unspent() + 1);
        ended = new Leases.Ended(one.id(), unspent, one.figures());
      }
      String id = random.nextInt(3) == 0 ? null : "node-" + random.nextInt(4) + "." + step;
      long least = random.nextInt(4) == 0 ? 1 + random.nextInt(3) : 0;
      Leases.Terms terms = Leases.Terms.of(Duration.ofSeconds(1 + random.nextInt(100)));
      LeaseBook.Turn turn = new LeaseBook.Turn(ended, id, random.nextInt(30), least, 0, terms);
      Batch batch = new Batch(List.of(target), costs, random.nextInt(10) == 0 ? 2 : 0);

      Asks.Answer answer = buckets.call(batch, turn, TimeUnit.MINUTES.toNanos(1)).join();

      Escrow before = model == null ? Escrow.full(target.figures(), now) : model;
      before = before.at(now).under(target.figures());
      boolean moved =
          model != null
              && (now < model.bucket().at()
                  || !before.bucket().figures().equals(model.bucket().figures()));
      if (ended != null) {
        int leases = before.leases().size();
        before = before.settle(ended.id(), ended.unspent());
        moved |= before.leases().size() < leases;
      }
      long debited = Math.min(batch.debit(), before.bucket().tokens());
      before = before.take(debited);
      long taken = taken(before.bucket(), costs);
      Escrow after = before.take(taken);
      long grant = id == null ? 0 : after.grantable(id, turn.wish(), least);
      if (id != null && grant > 0) {
        after = after.grant(id, grant, now + terms.outstandingMicros());
        granted.add(new Leases.Ended(id, grant, target.figures()));
      }
      assertThat(answer)
          .as("at step %s", step)
          .isEqualTo(expected(before, target, debited, grant, answer));
      assertThat(after.bucket().tokens() + after.outstanding())
          .isLessThanOrEqualTo(Math.max(after.bucket().figures().burst(), after.outstanding()));
      // What has not changed is not written, and gains from where it was.
      model = moved || batch.debit() > 0 || taken > 0 || grant > 0 ? after : model;
    }
  }

  private Asks.Answer expected(
      Escrow before, Target target, long debited, long grant, Asks.Answer answer) {
    Figures holding = before.bucket().figures();
    boolean told = answer.buckets().get(0).figures() != null;
    boolean same = holding.equals(target.figures());
    // They are told when there is anything to tell.
    String figures = same && !told ? null : holding.text();
    long credited = answer.buckets().get(0).credited();
    return new Asks.Answer(
        now,
        debited,
        List.of(
            new Asks.Bucket(
                before.bucket().tokens(),
                before.bucket().remainder(),
                figures,
                grant,
                credited,
                answer.buckets().get(0).shared())));
  }

  /** So slow that no bucket is full before the history is over, by the time of Redis. */
  private static Limit limit(Random random, long revision) {
    return Limit.of("a", 1 + random.nextInt(7), Duration.ofSeconds(70 + random.nextInt(1_000)))
        .burst(1 + random.nextInt(60))
        .revision(revision);
  }

  private static long time(Random random) {
    return switch (random.nextInt(10)) {
      case 0 -> -random.nextLong(5 * MILLION);
      case 1 -> 0;
      case 2 -> random.nextLong(1_000 * MILLION);
      default -> random.nextLong(20 * MILLION);
    };
  }

  private static List<Long> costs(Random random) {
    List<Long> costs = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      costs.add(1L + random.nextInt(4));
    }
    return costs;
  }

  private static long taken(TokenBucket bucket, List<Long> costs) {
    long taken = 0;
    for (long cost : costs) {
      taken += bucket.tokens() - taken >= cost ? cost : 0;
    }
    return taken;
  }
}
