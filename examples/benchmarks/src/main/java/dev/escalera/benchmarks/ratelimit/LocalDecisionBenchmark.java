package dev.escalera.benchmarks.ratelimit;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.local.LocalRateLimiter;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A decision of a limiter in process, over a thousand subjects. */
public class LocalDecisionBenchmark {
  private static final int SUBJECTS = 1_024;
  private static final long CAPACITY = 1_000_000;

  /** The subjects, and where each thread is among them. */
  @State(Scope.Thread)
  public static class Subjects {
    private final String[] subjects =
        IntStream.range(0, SUBJECTS).mapToObj(i -> "user-" + i).toArray(String[]::new);
    private int next;

    String next() {
      return subjects[next++ & (SUBJECTS - 1)];
    }
  }

  /** Buckets of Bucket4j in a map, as a host would keep them. */
  @State(Scope.Benchmark)
  public static class Buckets {
    private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();

    ConsumptionProbe tryConsume(String subject) {
      return buckets.computeIfAbsent(subject, key -> bucket()).tryConsumeAndReturnRemaining(1);
    }

    private static Bucket bucket() {
      return Bucket.builder()
          .addLimit(l -> l.capacity(CAPACITY).refillGreedy(CAPACITY, Duration.ofSeconds(1)))
          .build();
    }
  }

  /** Our limiter. */
  @State(Scope.Benchmark)
  public static class Limiter {
    private final RateLimiter limiter =
        LocalRateLimiter.builder().limit(Limit.of("api", CAPACITY, Duration.ofSeconds(1))).build();
  }

  @Benchmark
  public boolean bucket4j(Buckets buckets, Subjects subjects) {
    return buckets.tryConsume(subjects.next()).isConsumed();
  }

  @Benchmark
  public boolean escalera(Limiter limiter, Subjects subjects) {
    return limiter.limiter.tryAcquire("api", subjects.next()).allowed();
  }
}
