package dev.escalera.sharding.internal;

import java.time.Instant;
import java.time.LocalDate;

/**
 * From times to the buckets of partitions by date, in UTC. Those of periods seen lately are kept,
 * since a date's name costs ten times its look-up. Safe for use by any number of threads.
 */
final class Dates {
  private static final long SECONDS_A_DAY = 86_400;
  private static final int KEPT = 1_024;

  /** The days of the years 0000 to 9999, counted from 1970. */
  private static final long FIRST_DAY = LocalDate.of(0, 1, 1).toEpochDay();

  private static final long LAST_DAY = LocalDate.of(9_999, 12, 31).toEpochDay();

  private final String collection;
  private final int spread;
  private final boolean byDay;
  private final boolean byYear;

  /** By the lowest bits of the period; a race costs a look-up, for a period is immutable. */
  private final Period[] periods = new Period[KEPT];

  private static final class Period {
    final int number;
    final Bucket[] buckets;

    Period(int number, Bucket[] buckets) {
      this.number = number;
      this.buckets = buckets;
    }
  }

  Dates(String collection, String format, int spread) {
    this.collection = collection;
    this.spread = spread;
    this.byDay = format.equals("YYYY_MM_DD");
    this.byYear = format.equals("YYYY");
  }

  Bucket bucket(Instant time, int number) {
    long day = Math.floorDiv(time.getEpochSecond(), SECONDS_A_DAY);
    if (day < FIRST_DAY || day > LAST_DAY) {
      throw noYear(time);
    }
    int period = byDay ? (int) day : period((int) day);
    int place = period & (KEPT - 1);
    Period known = periods[place];
    if (known == null || known.number != period) {
      known = new Period(period, buckets(name(time)));
      periods[place] = known;
    }
    return known.buckets[number];
  }

  /**
   * The number of a year, or of a month: the days of 400 years are counted from a first of March,
   * so that the leap day is a year's last (Hinnant: chrono-compatible low-level date algorithms,
   * civil_from_days).
   */
  private int period(int epochDay) {
    int day = epochDay + 719_468;
    int era = Math.floorDiv(day, 146_097);
    int dayOfEra = day - era * 146_097;
    int yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int fromMarch = (5 * dayOfYear + 2) / 153;
    int months = (era * 400 + yearOfEra) * 12 + fromMarch + 2;
    return byYear ? Math.floorDiv(months, 12) : months;
  }

  String name(Instant time) {
    LocalDate day = LocalDate.ofEpochDay(Math.floorDiv(time.getEpochSecond(), SECONDS_A_DAY));
    if (day.getYear() < 0 || day.getYear() > 9_999) {
      throw noYear(time);
    }
    String year = Routing.padded(4, day.getYear());
    if (byYear) {
      return year;
    }
    String month = year + "_" + Routing.padded(2, day.getMonthValue());
    return byDay ? month + "_" + Routing.padded(2, day.getDayOfMonth()) : month;
  }

  private static IllegalArgumentException noYear(Instant time) {
    return new IllegalArgumentException("the year of " + time + " is none from 0000 to 9999");
  }

  private Bucket[] buckets(String partition) {
    Bucket[] buckets = new Bucket[spread];
    for (int i = 0; i < spread; i++) {
      buckets[i] = new Bucket(collection, partition, i);
    }
    return buckets;
  }
}
