package dev.escalera.testkit;

import dev.escalera.testkit.Operation.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a history of concurrent operations can be explained by one object that does them
 * one after another, each between its beginning and its end: the search of Wing and Gong, "Testing
 * and verifying concurrent objects" (1993), with the memory of visited configurations that Lowe
 * added, "Testing for linearizability" (2017).
 *
 * <p>The search is exponential in the worst case, which is why it has a time limit, and why
 * operations on different keys should be checked apart. Each step remembers a set of one bit an
 * operation of the key, so a key of n operations takes at least n²/8 bytes: keep it under some ten
 * thousand.
 */
public final class Linearizability {
  private Linearizability() {}

  /**
   * What the object does, one operation at a time.
   *
   * @param <S> the state: immutable, with equals and hashCode
   * @param <I> the type of what is asked
   * @param <O> the type of the result
   */
  public interface Model<S, I, O> {
    /**
     * Returns the state before any operation.
     *
     * @return the first state
     */
    S initial();

    /**
     * Returns the state after an operation, or nothing if the object could not have given that
     * result in this state.
     *
     * @param state the state before
     * @param operation the operation; the result of one that is INFO is not known, so any is right
     * @return the state after it
     */
    Optional<S> step(S state, Operation<I, O> operation);
  }

  /** What the search found. */
  public enum Verdict {
    /** There is an order that explains the history. */
    LINEARIZABLE,
    /** There is none. */
    VIOLATED,
    /** The time limit came first. */
    UNDECIDED
  }

  /**
   * What was found, and where.
   *
   * @param verdict what was found
   * @param key the key of the history that is not linearizable or not decided, else null
   * @param operations the operations on that key, by the time of their beginning; else empty
   * @param longestPrefix the most operations that one order could explain
   */
  public record Result(
      Verdict verdict, @Nullable Object key, List<?> operations, List<?> longestPrefix) {
    /**
     * Throws unless the history is linearizable.
     *
     * @throws AssertionError with the operations on the key, unless it is
     */
    public void assertLinearizable() {
      if (verdict != Verdict.LINEARIZABLE) {
        throw new AssertionError(
            "history of key "
                + key
                + " is "
                + verdict
                + "; explained at most, in this order: "
                + lines(longestPrefix)
                + "\nall operations: "
                + lines(operations));
      }
    }

    private static String lines(List<?> list) {
      StringBuilder text = new StringBuilder();
      list.forEach(item -> text.append("\n  ").append(item));
      return text.toString();
    }
  }

  /**
   * Searches each key's operations for an order that explains them.
   *
   * @param history the operations; those that are FAIL are left out
   * @param keyOf the key of what is asked: operations on different keys must be independent
   * @param model what one key's object does
   * @param limit the most time for one key
   * @param <S> the state
   * @param <I> the type of what is asked
   * @param <O> the type of the result
   * @return the first violation, else the first undecided key, else LINEARIZABLE
   */
  public static <S, I, O> Result check(
      List<Operation<I, O>> history,
      Function<? super I, ?> keyOf,
      Model<S, I, O> model,
      Duration limit) {
    Map<Object, List<Operation<I, O>>> byKey = new LinkedHashMap<>();
    for (Operation<I, O> operation : history) {
      if (operation.outcome() != Outcome.FAIL) {
        byKey
            .computeIfAbsent(keyOf.apply(operation.input()), key -> new ArrayList<>())
            .add(operation);
      }
    }
    Result undecided = new Result(Verdict.LINEARIZABLE, null, List.of(), List.of());
    for (Map.Entry<Object, List<Operation<I, O>>> entry : byKey.entrySet()) {
      Result result = new Search<>(entry.getKey(), entry.getValue(), model).run(limit);
      if (result.verdict() == Verdict.VIOLATED) {
        return result;
      }
      if (result.verdict() == Verdict.UNDECIDED && undecided.verdict() == Verdict.LINEARIZABLE) {
        undecided = result;
      }
    }
    return undecided;
  }

  /** The search for one key: a list of calls and returns from which explained operations leave. */
  private static final class Search<S, I, O> {
    private static final int STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 1_024;

    private final Object key;
    private final List<Operation<I, O>> operations;
    private final Model<S, I, O> model;
    private final Event head;
    private final BitSet explained;
    private final Set<Configuration<S>> visited = new HashSet<>();
    private final Deque<Choice<S>> order = new ArrayDeque<>();
    private int certainLeft;
    private List<Operation<I, O>> longest = List.of();

    private record Configuration<S>(BitSet explained, S state) {}

    private record Choice<S>(Event call, S before) {}

    Search(Object key, List<Operation<I, O>> operations, Model<S, I, O> model) {
      this.key = key;
      this.operations =
          operations.stream().sorted(Comparator.comparingLong(Operation::invokedNanos)).toList();
      this.model = model;
      this.explained = new BitSet(operations.size());
      this.head = Event.listOf(this.operations);
      this.certainLeft = (int) operations.stream().filter(op -> op.outcome() == Outcome.OK).count();
    }

    Result run(Duration limit) {
      long deadline = System.nanoTime() + limit.toNanos();
      S state = model.initial();
      Event event = head.next;
      for (long steps = 1; certainLeft > 0; steps++) {
        if (steps % STEPS_BETWEEN_LOOKS_AT_THE_CLOCK == 0 && System.nanoTime() - deadline > 0) {
          keepLongest();
          return result(Verdict.UNDECIDED);
        }
        if (event != null && event.isCall()) {
          Optional<S> after = unvisitedStep(state, event);
          if (after.isPresent()) {
            order.push(new Choice<>(event, state));
            take(event);
            state = after.get();
            event = head.next;
          } else {
            event = event.next;
          }
        } else {
          // A return stands in front: its operation should have come before, so try another order.
          keepLongest();
          Choice<S> last = order.poll();
          if (last == null) {
            return result(Verdict.VIOLATED);
          }
          putBack(last.call());
          state = last.before();
          event = last.call().next;
        }
      }
      return new Result(Verdict.LINEARIZABLE, null, List.of(), List.of());
    }

    private Optional<S> unvisitedStep(S state, Event call) {
      Optional<S> after = model.step(state, operations.get(call.index));
      if (after.isEmpty()) {
        return after;
      }
      BitSet next = (BitSet) explained.clone();
      next.set(call.index);
      return visited.add(new Configuration<>(next, after.get())) ? after : Optional.empty();
    }

    private void take(Event call) {
      explained.set(call.index);
      call.leave();
      if (operations.get(call.index).outcome() == Outcome.OK) {
        certainLeft--;
      }
    }

    /** Only where the search turns back: a copy at each step would make it quadratic. */
    private void keepLongest() {
      if (order.size() > longest.size()) {
        List<Operation<I, O>> prefix = new ArrayList<>();
        order
            .descendingIterator()
            .forEachRemaining(choice -> prefix.add(operations.get(choice.call().index)));
        longest = prefix;
      }
    }

    private void putBack(Event call) {
      explained.clear(call.index);
      call.comeBack();
      if (operations.get(call.index).outcome() == Outcome.OK) {
        certainLeft++;
      }
    }

    private Result result(Verdict verdict) {
      return new Result(verdict, key, operations, longest);
    }
  }

  /** A call or a return, in a doubly linked list that can be left and joined again at one place. */
  private static final class Event {
    private final int index;
    private final long nanos;
    private final @Nullable Event returns;
    private @Nullable Event previous;
    private @Nullable Event next;

    private Event(int index, long nanos, @Nullable Event returns) {
      this.index = index;
      this.nanos = nanos;
      this.returns = returns;
    }

    static Event listOf(List<? extends Operation<?, ?>> operations) {
      List<Event> events = new ArrayList<>();
      for (int i = 0; i < operations.size(); i++) {
        Operation<?, ?> operation = operations.get(i);
        Event end = new Event(i, operation.completedNanos(), null);
        events.add(new Event(i, operation.invokedNanos(), end));
        events.add(end);
      }
      // At one instant calls come first: operations that touch are concurrent.
      events.sort(
          Comparator.<Event>comparingLong(event -> event.nanos)
              .thenComparing(event -> !event.isCall()));
      Event head = new Event(-1, Long.MIN_VALUE, null);
      Event last = head;
      for (Event event : events) {
        last.next = event;
        event.previous = last;
        last = event;
      }
      return head;
    }

    boolean isCall() {
      return returns != null;
    }

    void leave() {
      unlink();
      if (returns != null) {
        returns.unlink();
      }
    }

    void comeBack() {
      if (returns != null) {
        returns.link();
      }
      link();
    }

    private void unlink() {
      if (previous != null) {
        previous.next = next;
      }
      if (next != null) {
        next.previous = previous;
      }
    }

    private void link() {
      if (previous != null) {
        previous.next = this;
      }
      if (next != null) {
        next.previous = this;
      }
    }
  }
}
