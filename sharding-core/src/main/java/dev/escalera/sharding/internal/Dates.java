package dev.escalera.sharding.internal;

import java.time.Instant;
import java.time.LocalDate;

/**
 * From times to the buckets of partitions by date, in UTC. Days seen lately are kept, since a
 * date's name costs ten times its look-up. Safe for use by any number of threads.
 */
final class Dates {
  private static final long SECONDS_A_DAY = 86_400;
  private static final int KEPT = 1_024;

  private final String collection;
  private final String format;
  private final int spread;

  /** By the lowest bits of the day; a race costs a look-up, for a day is immutable. */
  private final Day[] days = new Day[KEPT];

  private static final class Day {
    final long number;
    final Bucket[] buckets;

    Day(long number, Bucket[] buckets) {
      this.number = number;
      this.buckets = buckets;
    }
  }

  Dates(String collection, String format, int spread) {
    this.collection = collection;
    this.format = format;
    this.spread = spread;
  }

  Bucket bucket(Instant time, int number) {
    long day = Math.floorDiv(time.getEpochSecond(), SECONDS_A_DAY);
    int place = (int) day & (KEPT - 1);
    Day known = days[place];
    if (known == null || known.number != day) {
      known = new Day(day, buckets(name(time)));
      days[place] = known;
    }
    return known.buckets[number];
  }

  String name(Instant time) {
    LocalDate day = LocalDate.ofEpochDay(Math.floorDiv(time.getEpochSecond(), SECONDS_A_DAY));
    if (day.getYear() < 0 || day.getYear() > 9_999) {
      throw new IllegalArgumentException("the year of " + time + " is none from 0000 to 9999");
    }
    String year = Routing.padded(4, day.getYear());
    if (format.equals("YYYY")) {
      return year;
    }
    String month = year + "_" + Routing.padded(2, day.getMonthValue());
    return format.equals("YYYY_MM") ? month : month + "_" + Routing.padded(2, day.getDayOfMonth());
  }

  private Bucket[] buckets(String partition) {
    Bucket[] buckets = new Bucket[spread];
    for (int i = 0; i < spread; i++) {
      buckets[i] = new Bucket(collection, partition, i);
    }
    return buckets;
  }
}
