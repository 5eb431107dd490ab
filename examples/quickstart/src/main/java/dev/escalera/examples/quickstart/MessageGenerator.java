package dev.escalera.examples.quickstart;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Random;

/**
 * Messages with the skew of real chat traffic: a few users and conversations have most of them, and
 * days have their hours. The same seed gives the same messages.
 */
final class MessageGenerator implements Iterator<Message> {
  private static final Instant FIRST = Instant.parse("2025-11-01T00:00:00Z");
  private static final Instant END = Instant.parse("2026-11-01T00:00:00Z");
  private static final int USERS = 500;
  private static final int CONVERSATIONS = 200;
  private static final double SKEW = 1.2;
  private static final double[] HOURS = {
    1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 14, 16, 18, 18, 16, 14, 12, 12, 10, 8, 4, 2
  };
  private static final String[] WORDS = {
    "the", "build", "is", "green", "again", "who", "can", "review", "this", "ship", "it", "after",
        "lunch", "thanks",
    "cache", "limit", "shard", "queue", "deploy", "today", "tomorrow", "looks", "good", "to", "me",
        "why", "not", "both"
  };

  private final Random random;
  private final int count;
  private final double[] users = zipf(USERS);
  private final double[] conversations = zipf(CONVERSATIONS);
  private final double[] hours = cumulative(HOURS);
  private int made;

  MessageGenerator(int count, long seed) {
    this.count = count;
    this.random = new Random(seed);
  }

  @Override
  public boolean hasNext() {
    return made < count;
  }

  @Override
  public Message next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all " + count + " messages are generated");
    }
    made++;
    return new Message(
        "m%08d".formatted(made),
        time(),
        "u%03d".formatted(draw(users)),
        "c%03d".formatted(draw(conversations)),
        content());
  }

  private Instant time() {
    // Mostly forward, a little out of order, as messages from many clients arrive.
    long days = Duration.between(FIRST, END).toDays();
    long day = Math.min(days - 1, (long) ((made - 1 + random.nextDouble()) * days / count));
    long seconds = draw(hours) * 3600L + random.nextInt(3600);
    return FIRST
        .plus(day, ChronoUnit.DAYS)
        .plusSeconds(seconds)
        .plus(random.nextInt(1_000_000), ChronoUnit.MICROS);
  }

  private String content() {
    StringBuilder text = new StringBuilder();
    int words = 3 + random.nextInt(12);
    for (int i = 0; i < words; i++) {
      text.append(i == 0 ? "" : " ").append(WORDS[random.nextInt(WORDS.length)]);
    }
    return text.toString();
  }

  private int draw(double[] cumulative) {
    double at = random.nextDouble() * cumulative[cumulative.length - 1];
    int i = 0;
    while (cumulative[i] <= at) {
      i++;
    }
    return i;
  }

  private static double[] zipf(int n) {
    double[] weights = new double[n];
    for (int i = 0; i < n; i++) {
      weights[i] = Math.pow(i + 1, -SKEW);
    }
    return cumulative(weights);
  }

  private static double[] cumulative(double[] weights) {
    double[] sums = new double[weights.length];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i];
      sums[i] = sum;
    }
    return sums;
  }
}
