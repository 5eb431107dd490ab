package dev.escalera.benchmarks.sharding;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.local.LocalShardRouter;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The partition of a document by month and hash; no store is asked. */
public class RouteBenchmark {
  private static final int DOCUMENTS = 1_024;
  private static final String MESSAGES = "messages";

  /** A router, and documents over some years. */
  @State(Scope.Benchmark)
  public static class Routed {
    private final ShardRouter router =
        LocalShardRouter.builder()
            .collection(
                ShardedCollection.named(MESSAGES)
                    .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
                    .spread(4))
            .build();
    private final Document[] documents =
        IntStream.range(0, DOCUMENTS).mapToObj(Routed::document).toArray(Document[]::new);
    private int next;

    private static Document document(int i) {
      Instant createdAt = Instant.parse("2024-01-01T00:00:00Z").plus(Duration.ofHours(24L * i));
      return Document.of("message-" + i, Map.of("createdAt", createdAt));
    }
  }

  @Benchmark
  public String escalera(Routed routed) {
    return routed.router.locate(MESSAGES, routed.documents[routed.next++ & (DOCUMENTS - 1)]);
  }
}
