package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.firestore.v1.BatchGetDocumentsRequest;
import com.google.firestore.v1.BatchGetDocumentsResponse;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.BatchLoaderBuilder;
import dev.escalera.batch.DocumentKey;
import dev.escalera.batch.internal.Loader;
import dev.escalera.batch.internal.Lookup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Loads documents from Firestore by BatchGetDocuments. */
public final class FirestoreBatchLoader {
  private FirestoreBatchLoader() {}

  /**
   * Starts a loader on Firestore.
   *
   * @param firestore the host's client; the loader opens a channel of its own with its options and
   *     closes no other
   * @return a builder
   */
  public static Builder builder(Firestore firestore) {
    return new Builder(firestore);
  }

  /** Builds a {@link BatchLoader} on Firestore. Not safe for use by several threads. */
  public static final class Builder extends BatchLoaderBuilder<Builder> {
    private final Firestore firestore;
    private Duration deadline = Duration.ofSeconds(10);

    private Builder(Firestore firestore) {
      this.firestore = Objects.requireNonNull(firestore, "firestore");
    }

    /**
     * Sets how long a call may take; 10 s by default.
     *
     * @param deadline from 1 ms to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      this.deadline = inRange("deadline", deadline, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Builds a loader of documents, whose fields have the types that {@link
     * dev.escalera.batch.DocumentWrite} names; a document with another type is a failure of its
     * key.
     *
     * @return a loader, to be closed
     */
    public BatchLoader<DocumentKey, Map<String, @Nullable Object>> build() {
      return new Loader<>(
          "FirestoreBatchLoader",
          options(),
          new DocumentLookup(
              firestore.getOptions(),
              new FirestoreCalls("FirestoreBatchLoader", firestore.getOptions(), deadline)));
    }

    @Override
    protected Builder self() {
      return this;
    }
  }

  /** Reads documents by their full names. */
  private static final class DocumentLookup
      implements Lookup<DocumentKey, Map<String, @Nullable Object>> {
    private final String database;
    private final FirestoreCalls calls;

    DocumentLookup(FirestoreOptions options, FirestoreCalls calls) {
      this.database =
          "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
      this.calls = calls;
    }

    @Override
    public CompletableFuture<List<Found<Map<String, @Nullable Object>>>> load(
        List<DocumentKey> keys) {
      BatchGetDocumentsRequest.Builder request =
          BatchGetDocumentsRequest.newBuilder().setDatabase(database);
      keys.forEach(key -> request.addDocuments(name(key)));
      return calls
          .batchGet(request.build())
          .thenApply(responses -> found(keys, responses))
          .exceptionallyCompose(
              failure ->
                  CompletableFuture.failedFuture(
                      new BatchException(
                          "Firestore: " + FirestoreLink.unwrap(failure).getMessage(),
                          FirestoreLink.unwrap(failure))));
    }

    @Override
    public void close() {
      calls.close();
    }

    private List<Found<Map<String, @Nullable Object>>> found(
        List<DocumentKey> keys, List<BatchGetDocumentsResponse> responses) {
      Map<String, Found<Map<String, @Nullable Object>>> byName = new HashMap<>();
      for (BatchGetDocumentsResponse response : responses) {
        if (response.hasFound()) {
          byName.put(response.getFound().getName(), decoded(response));
        } else if (!response.getMissing().isEmpty()) {
          byName.put(response.getMissing(), new Found<>(null, null));
        }
      }
      List<Found<Map<String, @Nullable Object>>> found = new ArrayList<>(keys.size());
      for (DocumentKey key : keys) {
        Found<Map<String, @Nullable Object>> own = byName.get(name(key));
        found.add(
            own == null
                ? new Found<>(null, new BatchException("the answer has no such document", null))
                : own);
      }
      return found;
    }

    private static Found<Map<String, @Nullable Object>> decoded(
        BatchGetDocumentsResponse response) {
      try {
        return new Found<>(Values.decode(response.getFound().getFieldsMap()), null);
      } catch (IllegalArgumentException e) {
        return new Found<>(null, e);
      }
    }

    private String name(DocumentKey key) {
      return database + "/documents/" + key.collection() + "/" + key.id();
    }
  }
}
