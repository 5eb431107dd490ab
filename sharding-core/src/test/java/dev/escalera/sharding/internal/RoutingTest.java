package dev.escalera.sharding.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.ModelTest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TimeZone;
import org.junit.jupiter.api.Test;

class RoutingTest {
  private static final String[] IDS = {
    "m1", "", "A", "a b", "!", "\"", "m!1", "\u0000", "~", "\u00e9", "\uffee", "\ud83d\ude00"
  };

  private static Routing routing(Partitioning partitioning, int spread) {
    return new Routing(ShardedCollection.named("c").partitionBy(partitioning).spread(spread));
  }

  /** Lines of: partitioning, spread, id, value of the field, bucket, id in the store. */
  private static List<String> goldenLines() throws IOException {
    try (InputStream in = RoutingTest.class.getResourceAsStream("routing-vectors.txt")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    }
  }

  static String routed(String line) {
    String[] parts = line.split("\t", -1);
    String kind = parts[0];
    String id = unescaped(parts[2]);
    String value = unescaped(parts[3]);
    Object field = kind.startsWith("date") ? Instant.parse(value) : value;
    Partitioning partitioning =
        switch (kind) {
          case "hash" -> Partitioning.hash(64);
          case "user" -> Partitioning.user("f", "user_{f}");
          case "user16384" -> Partitioning.user("f", "{f}", 16_384);
          case "region" -> Partitioning.region("f");
          default -> Partitioning.date("f", kind.substring("date ".length()));
        };
    Routing routing = routing(partitioning, Integer.parseInt(parts[1]));
    Document document = Document.of(id, Map.of("f", field));
    return String.join(
        "\t",
        Arrays.copyOf(parts, 4)[0],
        parts[1],
        parts[2],
        parts[3],
        routing.bucket(document).name(),
        Names.escape(routing.storedId(document)));
  }

  private static String unescaped(String text) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (text.startsWith("\\u", i)) {
        plain.append((char) Integer.parseInt(text.substring(i + 2, i + 6), 16));
        i += 5;
      } else {
        plain.append(text.charAt(i));
      }
    }
    return plain.toString();
  }

  /** What is stored is found by these: they never change. */
  @Test
  void golden_vectors() throws IOException {
    assertThat(Long.toUnsignedString(Routing.hash(""), 16)).isEqualTo("efd01f60ba992926");
    assertThat(Long.toUnsignedString(Routing.hash("m1"), 16)).isEqualTo("5455e9edff2de8f3");
    assertThat(Long.toUnsignedString(Routing.hash("\ud83d\ude00"), 16))
        .isEqualTo("da89b0991f06f386");
    List<String> lines = goldenLines();
    assertThat(lines).hasSizeGreaterThan(60);
    assertThat(lines.stream().map(RoutingTest::routed).toList()).isEqualTo(lines);
  }

  @Test
  void routing_does_not_depend_on_the_locale_or_the_time_zone_of_the_process() throws IOException {
    Locale locale = Locale.getDefault();
    TimeZone zone = TimeZone.getDefault();
    try {
      for (String other : List.of("ar-EG-u-nu-arab", "th-TH-u-ca-buddhist", "tr-TR")) {
        Locale.setDefault(Locale.forLanguageTag(other));
        for (String id : List.of("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu")) {
          TimeZone.setDefault(TimeZone.getTimeZone(id));
          golden_vectors();
        }
      }
    } finally {
      Locale.setDefault(locale);
      TimeZone.setDefault(zone);
    }
  }

  @Test
  void a_day_begins_at_midnight_in_utc_whatever_the_zone_it_is_told_in() {
    Dates days = new Dates("c", "YYYY_MM_DD", 1);
    Dates months = new Dates("c", "YYYY_MM", 1);
    LocalTime last = LocalTime.of(23, 59, 59, 999_999_000);
    for (String id : ZoneId.getAvailableZoneIds()) {
      ZoneId zone = ZoneId.of(id);
      for (LocalDate local :
          List.of(
              LocalDate.of(2026, 3, 1), LocalDate.of(2024, 2, 29), LocalDate.of(1969, 12, 31))) {
        for (Instant time :
            List.of(
                local.atStartOfDay(zone).toInstant(),
                local.atTime(last).atZone(zone).toInstant())) {
          LocalDate utc = time.atOffset(ZoneOffset.UTC).toLocalDate();
          assertThat(days.bucket(time, 0).partition()).isEqualTo(utc.toString().replace('-', '_'));
          assertThat(months.bucket(time, 0).partition())
              .isEqualTo(utc.toString().substring(0, 7).replace('-', '_'));
        }
      }
    }
  }

  @Test
  void no_time_is_in_two_days_or_none_when_the_clocks_change() {
    Dates days = new Dates("c", "YYYY_MM_DD", 1);
    int changes = 0;
    for (String id : ZoneId.getAvailableZoneIds()) {
      Instant from = Instant.parse("2025-11-01T00:00:00Z");
      ZoneOffsetTransition next = ZoneId.of(id).getRules().nextTransition(from);
      for (int i = 0; next != null && i < 3; i++) {
        changes++;
        // Local hours come twice or not at all; instants do not.
        String before = "";
        for (int minutes = -180; minutes <= 180; minutes += 30) {
          Instant time = next.getInstant().plusSeconds(minutes * 60L);
          String day = days.bucket(time, 0).partition();
          assertThat(day).isGreaterThanOrEqualTo(before);
          assertThat(day).isEqualTo(time.toString().substring(0, 10).replace('-', '_'));
          before = day;
        }
        next = ZoneId.of(id).getRules().nextTransition(next.getInstant());
      }
    }
    assertThat(changes).isGreaterThan(100);
  }

  @Test
  void the_bounds_of_partitions_are_exact() {
    Dates years = new Dates("c", "YYYY", 2);
    Instant newYear = Instant.parse("2027-01-01T00:00:00Z");
    assertThat(years.bucket(newYear.minusNanos(1_000), 1).name()).isEqualTo("2026#1");
    assertThat(years.bucket(newYear, 1).name()).isEqualTo("2027#1");
    assertThat(years.bucket(Instant.parse("0001-01-01T00:00:00Z"), 0).name()).isEqualTo("0001#0");
    // The 31st of December lies in week 1 of the next year: YYYY is not the year of the week.
    assertThat(years.bucket(Instant.parse("2024-12-31T12:00:00Z"), 0).name()).isEqualTo("2024#0");
  }

  @Test
  void an_owner_more_takes_its_share_and_nothing_else_moves() {
    for (int slots : new int[] {1_024, 16_384}) {
      for (int owners = 1; owners < 40; owners++) {
        int moved = 0;
        for (int slot = 0; slot < slots; slot++) {
          int before = Owners.of(slots, owners).owner(slot);
          int after = Owners.of(slots, owners + 1).owner(slot);
          if (before != after) {
            assertThat(after).isEqualTo(owners);
            moved++;
          }
        }
        assertThat((double) moved / slots)
            .as("%d slots, %d owners", slots, owners)
            .isBetween(0.95 / (owners + 1), 1.05 / (owners + 1));
      }
    }
  }

  @Test
  void a_million_keys_are_spread_evenly_over_owners_old_and_new() {
    Partitioning users = Partitioning.user("f", "user_{f}");
    Routing routing = routing(users, 1);
    int keys = 1_000_000;
    int[] before = new int[16];
    int[] after = new int[17];
    int moved = 0;
    for (int i = 0; i < keys; i++) {
      Bucket bucket = routing.bucket(PartitionKey.of("u-" + i), "m");
      int owner = routing.target(bucket, 16);
      int next = routing.target(bucket, 17);
      before[owner]++;
      after[next]++;
      moved += owner == next ? 0 : 1;
    }
    assertThat((double) Arrays.stream(before).max().orElse(0) / (keys / 16.0))
        .isLessThanOrEqualTo(1.05);
    assertThat((double) moved / keys).isBetween(0.95 / 17, 1.05 / 17);
  }

  @Test
  void hashing_is_even() {
    for (String format : List.of("user-%d", "%08d", "a/%d/b", "%x")) {
      int[] counts = new int[16];
      for (int i = 0; i < 160_000; i++) {
        counts[
            (int)
                Long.remainderUnsigned(Routing.hash(String.format(Locale.ROOT, format, i)), 16)]++;
      }
      assertThat(Arrays.stream(counts).boxed())
          .allSatisfy(count -> assertThat(count).isBetween(9_500, 10_500));
    }
  }

  @Test
  void ids_that_share_a_bucket_keep_their_order_and_come_back() {
    ModelTest.named("shared ids")
        .seeds(300)
        .check(
            random -> {
              List<String> ids = new ArrayList<>();
              for (int i = 0; i < 40; i++) {
                ids.add(id(random));
              }
              for (String one : ids) {
                String stored = SharedIds.join(one, "user_" + random.nextInt(3));
                assertThat(SharedIds.id(stored)).isEqualTo(one);
                for (String other : ids) {
                  int expected = Integer.signum(order(one, other));
                  if (expected != 0) {
                    assertThat(
                            Integer.signum(
                                order(SharedIds.join(one, "p"), SharedIds.join(other, "a"))))
                        .as("%s and %s", Names.escape(one), Names.escape(other))
                        .isEqualTo(expected);
                  }
                }
              }
            });
    assertThat(SharedIds.join("m1", "user_u1")).isEqualTo("m1!user_u1!");
    assertThatThrownBy(() -> SharedIds.join("x".repeat(1_490), "user_u123"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageEndingWith("take 1501 bytes in UTF-8, expected at most 1500");
  }

  private static String id(Random random) {
    StringBuilder id = new StringBuilder();
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      id.append(IDS[random.nextInt(IDS.length)]);
    }
    return id.toString();
  }

  private static int order(String one, String other) {
    return Arrays.compareUnsigned(
        one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void every_day_of_the_calendar_lies_in_its_month_and_year() {
    Dates months = new Dates("c", "YYYY_MM", 1);
    Dates years = new Dates("c", "YYYY", 1);
    LocalDate end = LocalDate.of(10_000, 1, 1);
    List<LocalDate> wrong = new ArrayList<>();
    for (LocalDate day = LocalDate.of(1, 1, 1); day.isBefore(end); day = day.plusDays(1)) {
      Instant noon = day.atTime(12, 0).toInstant(ZoneOffset.UTC);
      String month = months.bucket(noon, 0).partition();
      String year = years.bucket(noon, 0).partition();
      if (!month.equals(year + "_" + Routing.padded(2, day.getMonthValue()))
          || Integer.parseInt(year) != day.getYear()) {
        wrong.add(day);
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void times_out_of_the_calendar_are_in_no_partition() {
    Dates months = new Dates("c", "YYYY_MM", 1);
    months.bucket(Instant.EPOCH, 0);
    for (Instant time :
        List.of(Instant.MIN, Instant.MAX, Instant.EPOCH.plusSeconds(86_400L << 32))) {
      assertThatThrownBy(() -> months.bucket(time, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the year of " + time + " is none from 0000 to 9999");
    }
  }

  @Test
  void a_spread_by_a_power_of_two_goes_by_the_remainder_too() {
    for (int spread : new int[] {1, 2, 8, 256}) {
      Routing routing = routing(Partitioning.region("f"), spread);
      for (int i = 0; i < 1_000; i++) {
        String id = "m" + i;
        assertThat(routing.bucket(PartitionKey.of("eu"), id).number())
            .isEqualTo((int) Long.remainderUnsigned(Routing.hash(id), spread));
      }
    }
  }

  @Test
  void days_that_share_a_place_in_the_cache_do_not_mix() {
    Dates days = new Dates("c", "YYYY_MM_DD", 1);
    List<Instant> times = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      times.add(Instant.parse("2020-01-01T12:00:00Z").plusSeconds(86_400L * i));
    }
    Collections.shuffle(times, new Random(3));
    for (Instant time : times) {
      assertThat(days.bucket(time, 0).partition())
          .isEqualTo(time.toString().substring(0, 10).replace('-', '_'));
    }
  }
}
