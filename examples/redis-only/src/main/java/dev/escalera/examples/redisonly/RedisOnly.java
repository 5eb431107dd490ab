package dev.escalera.examples.redisonly;

import io.lettuce.core.RedisClient;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;

/** Writes into a guest book on a Redis of yours, and reads it. */
public final class RedisOnly {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  private RedisOnly() {}

  /**
   * Runs the example.
   *
   * @param args the URI of a Redis, such as {@code redis://localhost:6379}
   */
  public static void main(String[] args) {
    if (args.length != 1) {
      System.err.println("usage: java -jar redis-only.jar redis://HOST:PORT");
      System.exit(2);
    }
    run(args[0], System.out);
  }

  static void run(String uri, PrintStream out) {
    RedisClient redis = RedisClient.create(uri);
    try (Guestbook book = new Guestbook(redis)) {
      for (int i = 1; i <= 5; i++) {
        String outcome =
            book.sign("entry-" + i, "Ada", "hello " + i, NOON.plusSeconds(i)).allowed()
                ? "written"
                : "too many";
        out.println("entry " + i + " by Ada: " + outcome);
      }
      out.println(book.frontPage());
      out.println("visits not counted: " + book.flush(Duration.ofSeconds(10)));
    } finally {
      redis.shutdown();
    }
  }
}
