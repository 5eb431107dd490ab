package dev.escalera.testkit;

import dev.escalera.testkit.Operation.Outcome;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Records the operations of concurrent processes on one system, for {@link Linearizability} or a
 * checker of the test's own.
 *
 * <pre>{@code
 * History<Command, String> history = new History<>();
 * History<Command, String>.Pending pending = history.invoke("thread-1", command);
 * try {
 *   pending.ok(client.call(command));
 * } catch (RefusedException e) {
 *   pending.fail(); // certainly not done
 * } catch (TimeoutException e) {
 *   pending.info(); // perhaps done, perhaps yet to be
 * }
 * }</pre>
 *
 * <p>An operation that is never completed counts as INFO. Safe for use by several threads.
 *
 * @param <I> the type of what is asked
 * @param <O> the type of the result
 */
public final class History<I, O> {
  private final ConcurrentLinkedQueue<Pending> operations = new ConcurrentLinkedQueue<>();

  /** Makes an empty history. */
  public History() {}

  /**
   * Records that an operation begins now.
   *
   * @param process the thread or node that asks; it has one operation at a time
   * @param input what is asked
   * @return the operation, to be completed by one of its methods
   */
  public Pending invoke(String process, I input) {
    // Added first: an operation that is never completed may have happened.
    Pending pending = new Pending(process, input);
    operations.add(pending);
    return pending;
  }

  /**
   * Adds operations that were recorded elsewhere, such as by a {@link Node} of the same host.
   *
   * @param others completed operations
   */
  public void addAll(Collection<Operation<I, O>> others) {
    others.forEach(operation -> operations.add(new Pending(operation)));
  }

  /**
   * Returns what was recorded so far.
   *
   * @return the operations in the order of their addition
   */
  public List<Operation<I, O>> operations() {
    return operations.stream().map(pending -> pending.operation).toList();
  }

  /**
   * An operation that has begun. It is completed once; a second completion is refused with an
   * IllegalStateException.
   */
  public final class Pending {
    private final AtomicBoolean completed = new AtomicBoolean();
    private volatile Operation<I, O> operation;

    private Pending(String process, I input) {
      this.operation =
          new Operation<>(process, input, Outcome.INFO, null, System.nanoTime(), Long.MAX_VALUE);
    }

    private Pending(Operation<I, O> operation) {
      this.operation = operation;
      this.completed.set(true);
    }

    /**
     * Records that it happened.
     *
     * @param output its result
     */
    public void ok(@Nullable O output) {
      complete(Outcome.OK, output, System.nanoTime());
    }

    /** Records that it certainly did not happen. */
    public void fail() {
      complete(Outcome.FAIL, null, System.nanoTime());
    }

    /** Records that nobody knows whether it happened, or will. */
    public void info() {
      complete(Outcome.INFO, null, Long.MAX_VALUE);
    }

    private void complete(Outcome outcome, @Nullable O output, long completedNanos) {
      Operation<I, O> begun = operation;
      if (!completed.compareAndSet(false, true)) {
        throw new IllegalStateException(begun + " is completed already, now as " + outcome);
      }
      operation =
          new Operation<>(
              begun.process(),
              begun.input(),
              outcome,
              output,
              begun.invokedNanos(),
              completedNanos);
    }
  }
}
