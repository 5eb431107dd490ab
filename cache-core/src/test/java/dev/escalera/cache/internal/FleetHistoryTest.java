package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The check itself: what it must notice, and what it must not. Bound 100, lease 100. */
class FleetHistoryTest {
  private static List<String> check(String... lines) {
    return check(new FleetHistory(100, 100), lines);
  }

  private static List<String> check(FleetHistory history, String... lines) {
    for (String line : lines) {
      history.add(line);
    }
    return history.check();
  }

  private static String read(String cache, long began, String value, String life, String leased) {
    return "R "
        + cache
        + " a "
        + began
        + " "
        + (began + 1)
        + " "
        + value
        + " "
        + life
        + " "
        + leased;
  }

  @Test
  void a_read_of_another_node_is_bound_when_the_lease_has_passed() {
    String change = "C x-BOUNDED a 1000 1010 true n1 -";
    assertThat(check(change, read("x-BOUNDED", 1111, "a:L:1:990", "n2", "-"))).hasSize(1);
    assertThat(check(change, read("x-BOUNDED", 1110, "a:L:1:990", "n2", "-"))).isEmpty();
    assertThat(check(change, read("x-BOUNDED", 1111, "a:L:1:1001", "n2", "-"))).isEmpty();
  }

  @Test
  void an_acknowledged_change_binds_when_it_returned() {
    String change = "C x-ACKNOWLEDGED a 1000 1010 true n1 -";
    assertThat(check(change, read("x-ACKNOWLEDGED", 1011, "a:L:1:990", "n2", "-"))).hasSize(1);
    assertThat(check(change, read("x-ACKNOWLEDGED", 1010, "a:L:1:990", "n2", "-"))).isEmpty();
  }

  @Test
  void a_change_that_is_not_known_to_the_store_binds_its_own_node_alone() {
    String change = "C x-BOUNDED a 1000 1010 false n1 -";
    assertThat(check(change, read("x-BOUNDED", 1011, "a:L:1:990", "n1", "-"))).hasSize(1);
    assertThat(check(change, read("x-BOUNDED", 2000, "a:L:1:990", "n2", "-"))).isEmpty();
  }

  @Test
  void the_latest_change_that_binds_counts_and_not_the_last_to_return() {
    assertThat(
            check(
                "C x-ACKNOWLEDGED a 1050 1060 true n1 -",
                "C x-ACKNOWLEDGED a 1000 1070 true n2 -",
                read("x-ACKNOWLEDGED", 1080, "a:L:1:1040", "n3", "-")))
        .hasSize(1);
  }

  @Test
  void without_the_store_what_was_known_at_the_last_lease_binds() {
    String change = "C x-ACKNOWLEDGED a 1000 1010 true n1 -";
    String value = "a:L:1:990";
    assertThat(check(change, read("x-ACKNOWLEDGED", 1200, value, "n2", "1110"))).isEmpty();
    assertThat(check(change, read("x-ACKNOWLEDGED", 1200, value, "n2", "1111"))).hasSize(1);
  }

  @Test
  void what_a_failover_took_back_binds_nobody() {
    FleetHistory history = new FleetHistory(100, 100);
    history.lost(1005, 1100);
    assertThat(
            check(
                history,
                "C x-ACKNOWLEDGED a 1000 1010 true n1 -",
                read("x-ACKNOWLEDGED", 1200, "a:L:1:990", "n1", "-")))
        .isEmpty();
  }

  @Test
  void a_put_is_as_fresh_as_its_return_and_one_that_is_unknown_may_come_at_any_time() {
    String change = "C x-ACKNOWLEDGED a 1000 1010 true n1 -";
    String value = "a:P:1:900";
    String read = read("x-ACKNOWLEDGED", 1100, value, "n2", "-");
    assertThat(check(change, "C x-ACKNOWLEDGED a 900 1005 true n2 " + value, read)).isEmpty();
    assertThat(check(change, "C x-ACKNOWLEDGED a 900 999 true n2 " + value, read)).hasSize(1);
    assertThat(check(change, "C x-ACKNOWLEDGED a 900 999 false n2 " + value, read)).isEmpty();
  }

  @Test
  void values_that_cannot_be_are_noticed() {
    assertThat(check(read("x", 1000, "b:L:1:990", "n1", "-"))).hasSize(1);
    assertThat(check(read("x", 1000, "a:L:1:1002", "n1", "-"))).hasSize(1);
    assertThat(check("broken java.lang.Error")).hasSize(1);
  }
}
