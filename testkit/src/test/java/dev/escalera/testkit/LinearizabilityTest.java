package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.testkit.Linearizability.Model;
import dev.escalera.testkit.Linearizability.Result;
import dev.escalera.testkit.Linearizability.Verdict;
import dev.escalera.testkit.Operation.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LinearizabilityTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  /** A read, or a write if there is a value. */
  private record Command(String key, @Nullable Integer written) {
    static Command read() {
      return new Command("key", null);
    }

    static Command write(int value) {
      return new Command("key", value);
    }
  }

  private static final class Register implements Model<Integer, Command, Integer> {
    @Override
    public Integer initial() {
      return 0;
    }

    @Override
    public Optional<Integer> step(Integer state, Operation<Command, Integer> operation) {
      Integer written = operation.input().written();
      if (written != null) {
        return Optional.of(written);
      }
      boolean explained = operation.outcome() == Outcome.INFO || state.equals(operation.output());
      return explained ? Optional.of(state) : Optional.empty();
    }
  }

  @Test
  void a_read_during_a_write_may_yield_either_value() {
    Operation<Command, Integer> write = ok(Command.write(1), null, 10, 50);
    assertThat(verdict(List.of(write, ok(Command.read(), 0, 20, 30))))
        .isEqualTo(Verdict.LINEARIZABLE);
    assertThat(verdict(List.of(write, ok(Command.read(), 1, 20, 30))))
        .isEqualTo(Verdict.LINEARIZABLE);
  }

  @Test
  void a_read_after_a_write_must_yield_it() {
    Operation<Command, Integer> write = ok(Command.write(1), null, 10, 50);
    assertThat(verdict(List.of(write, ok(Command.read(), 1, 60, 70))))
        .isEqualTo(Verdict.LINEARIZABLE);
    assertThat(verdict(List.of(write, ok(Command.read(), 0, 60, 70)))).isEqualTo(Verdict.VIOLATED);
  }

  @Test
  void reads_do_not_go_back_in_time() {
    assertThat(
            verdict(
                List.of(
                    ok(Command.write(1), null, 10, 90),
                    ok(Command.read(), 1, 20, 30),
                    ok(Command.read(), 0, 40, 50))))
        .isEqualTo(Verdict.VIOLATED);
  }

  @Test
  void a_value_that_nobody_wrote_is_a_violation() {
    assertThat(verdict(List.of(ok(Command.write(1), null, 10, 20), ok(Command.read(), 7, 12, 15))))
        .isEqualTo(Verdict.VIOLATED);
  }

  @Test
  void a_write_of_unknown_outcome_may_happen_late_or_never() {
    Operation<Command, Integer> unknown = with(Outcome.INFO, Command.write(1), 10);
    assertThat(
            verdict(List.of(unknown, ok(Command.read(), 0, 60, 70), ok(Command.read(), 1, 80, 90))))
        .isEqualTo(Verdict.LINEARIZABLE);
    assertThat(verdict(List.of(unknown, ok(Command.read(), 0, 60, 70))))
        .isEqualTo(Verdict.LINEARIZABLE);
    assertThat(
            verdict(List.of(unknown, ok(Command.read(), 1, 60, 70), ok(Command.read(), 0, 80, 90))))
        .isEqualTo(Verdict.VIOLATED);
    assertThat(verdict(List.of(unknown, ok(Command.read(), 1, 1, 5)))).isEqualTo(Verdict.VIOLATED);
  }

  @Test
  void an_operation_of_unknown_outcome_has_no_end() {
    Operation<Command, Integer> unknown =
        new Operation<>("p", Command.write(1), Outcome.INFO, null, 10, 20);
    assertThat(unknown.completedNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(verdict(List.of(unknown, ok(Command.read(), 0, 60, 70))))
        .isEqualTo(Verdict.LINEARIZABLE);
  }

  @Test
  void an_operation_that_ends_before_it_begins_is_refused() {
    assertThatThrownBy(() -> ok(Command.read(), 1, 20, 19))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("completedNanos must not be before invokedNanos 20 but is 19");
  }

  @Test
  void an_operation_is_completed_once() {
    History<Command, Integer>.Pending read =
        new History<Command, Integer>().invoke("a", Command.read());
    read.ok(1);
    assertThatThrownBy(read::fail)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("completed already, now as FAIL");
  }

  @Test
  void a_long_history_of_one_key_is_decided() {
    List<Operation<Command, Integer>> all = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      all.add(ok(Command.write(i), null, 10L * i, 10L * i + 3));
      all.add(ok(Command.read(), i, 10L * i + 5, 10L * i + 8));
    }
    assertThat(verdict(all)).isEqualTo(Verdict.LINEARIZABLE);
  }

  @Test
  void a_write_that_failed_did_not_happen() {
    Operation<Command, Integer> failed = with(Outcome.FAIL, Command.write(1), 10);
    assertThat(verdict(List.of(failed, ok(Command.read(), 0, 60, 70))))
        .isEqualTo(Verdict.LINEARIZABLE);
    assertThat(verdict(List.of(failed, ok(Command.read(), 1, 60, 70)))).isEqualTo(Verdict.VIOLATED);
  }

  @Test
  void keys_are_checked_apart_and_a_violation_names_its_own() {
    Result result =
        Linearizability.check(
            List.of(
                ok(new Command("right", 1), null, 10, 20),
                ok(new Command("wrong", null), 5, 10, 20),
                ok(new Command("right", null), 1, 30, 40)),
            Command::key,
            new Register(),
            LIMIT);

    assertThat(result.verdict()).isEqualTo(Verdict.VIOLATED);
    assertThat(result.key()).isEqualTo("wrong");
    assertThatThrownBy(result::assertLinearizable)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("history of key wrong is VIOLATED")
        .hasMessageContaining("output=5");
  }

  @Test
  void a_search_without_end_stops_at_its_limit() {
    List<Operation<Command, Integer>> all = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      all.add(ok(Command.write(i), null, 10 + i, 1_000));
      all.add(ok(Command.read(), i, 10 + i, 1_000));
    }
    all.add(ok(Command.read(), -1, 2_000, 3_000));
    assertThat(check(all, Duration.ofMillis(100)).verdict()).isEqualTo(Verdict.UNDECIDED);
  }

  @Test
  void the_history_of_a_real_register_is_explained_and_a_planted_lie_is_found() throws Exception {
    AtomicInteger register = new AtomicInteger();
    History<Command, Integer> history = new History<>();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    for (int thread = 0; thread < 4; thread++) {
      int seed = thread;
      threads.execute(() -> use(register, history, "thread-" + seed, new Random(seed)));
    }
    threads.shutdown();
    assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    List<Operation<Command, Integer>> operations = new ArrayList<>(history.operations());

    assertThat(operations).hasSize(4_000);
    Result honest = check(operations, LIMIT);
    assertThat(honest.verdict()).isEqualTo(Verdict.LINEARIZABLE);
    assertThatCode(honest::assertLinearizable).doesNotThrowAnyException();

    long end = Collections.max(operations.stream().map(Operation::completedNanos).toList());
    operations.add(ok(Command.read(), register.get() + 1, end + 1, end + 2));
    assertThat(check(operations, LIMIT).verdict()).isEqualTo(Verdict.VIOLATED);
  }

  private static void use(
      AtomicInteger register, History<Command, Integer> history, String process, Random random) {
    for (int i = 0; i < 1_000; i++) {
      if (random.nextBoolean()) {
        int value = random.nextInt(1_000_000);
        History<Command, Integer>.Pending write = history.invoke(process, Command.write(value));
        register.set(value);
        write.ok(null);
      } else {
        History<Command, Integer>.Pending read = history.invoke(process, Command.read());
        read.ok(register.get());
      }
    }
  }

  @Test
  void a_history_keeps_what_was_never_completed_as_unknown() {
    History<Command, Integer> history = new History<>();
    history.invoke("a", Command.write(1));
    history.invoke("b", Command.write(2)).fail();
    history.invoke("c", Command.write(3)).info();
    history.invoke("d", Command.read()).ok(3);
    history.addAll(List.of(ok(Command.read(), 1, 10, 20)));

    assertThat(history.operations())
        .extracting(Operation::outcome)
        .containsExactly(Outcome.INFO, Outcome.FAIL, Outcome.INFO, Outcome.OK, Outcome.OK);
    assertThat(history.operations().get(0).completedNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(history.operations().get(2).completedNanos()).isEqualTo(Long.MAX_VALUE);
  }

  private static Verdict verdict(List<Operation<Command, Integer>> operations) {
    return check(operations, LIMIT).verdict();
  }

  private static Result check(List<Operation<Command, Integer>> operations, Duration limit) {
    return Linearizability.check(operations, Command::key, new Register(), limit);
  }

  private static Operation<Command, Integer> ok(
      Command input, @Nullable Integer output, long invoked, long completed) {
    return new Operation<>("process", input, Outcome.OK, output, invoked, completed);
  }

  private static Operation<Command, Integer> with(Outcome outcome, Command input, long invoked) {
    return new Operation<>("process", input, outcome, null, invoked, Long.MAX_VALUE);
  }
}
