package dev.escalera.sharding.internal;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.ShardedCollection;
import java.io.Serial;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A change of one document. Where it belongs afterwards is known only when the host's function has
 * been called: if it is elsewhere, the function is called again, for a move to there.
 */
final class Update {
  private static final int MAX_TURNS = 10;

  private final ShardedCollection collection;
  private final Routing routing;
  private final Fencing fencing;
  private final Place from;
  private final UnaryOperator<Document> change;

  /** A bucket, and what a document is stored by. */
  private record Place(Bucket bucket, String id) {}

  /** The changed document belongs elsewhere; nothing was written. */
  private static final class Elsewhere extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final transient Place place;

    Elsewhere(Place place) {
      super("the change moves the document elsewhere each time", null, false, false);
      this.place = place;
    }
  }

  Update(
      ShardedCollection collection,
      Routing routing,
      Fencing fencing,
      Bucket bucket,
      String id,
      UnaryOperator<Document> change) {
    this.collection = collection;
    this.routing = routing;
    this.fencing = fencing;
    this.from = new Place(bucket, id);
    this.change = change;
  }

  /** Completes with the row as it was written; empty if there is none. */
  CompletableFuture<Optional<Row>> run() {
    return turn(from, 1);
  }

  private CompletableFuture<Optional<Row>> turn(Place to, int number) {
    UnaryOperator<Row> changed = row -> changed(row, to);
    CompletableFuture<Optional<Row>> done =
        to.equals(from)
            ? fencing.change(
                from.bucket(),
                Optional.empty(),
                (store, home) -> store.update(collection, home, from.id(), changed))
            : fencing.move(
                from.bucket(),
                to.bucket(),
                Optional.empty(),
                (store, home, other) -> store.move(collection, home, from.id(), other, changed));
    return done.exceptionallyCompose(
        failure ->
            Router.unwrap(failure) instanceof Elsewhere elsewhere && number < MAX_TURNS
                ? turn(elsewhere.place, number + 1)
                : CompletableFuture.failedFuture(failure));
  }

  private Row changed(Row before, Place expected) {
    Document old = routing.document(before);
    @Nullable Document changed = change.apply(old);
    if (changed == null) {
      throw new IllegalArgumentException(
          "the change of document \"" + Names.escape(old.id()) + "\" returned null");
    }
    if (!changed.id().equals(old.id())) {
      throw new IllegalArgumentException(
          "the change of document \""
              + Names.escape(old.id())
              + "\" gave it the id \""
              + Names.escape(changed.id())
              + "\"; put it anew and delete this one");
    }
    Row after = routing.row(changed);
    Place place = new Place(routing.bucket(changed), after.id());
    if (!place.equals(expected)) {
      throw new Elsewhere(place);
    }
    return after;
  }
}
