package dev.escalera.batch.firestore;

import com.google.api.core.ApiFuture;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Checkpoints as documents. */
final class FirestoreCheckpoints implements CheckpointStore {
  private static final String COLLECTION = "escalera_checkpoints";
  private static final String FIELD = "checkpoint";
  private static final int MAX_CALLS = 100;

  private final Firestore firestore;
  private final FirestoreLink link;

  FirestoreCheckpoints(Firestore firestore, Duration deadline) {
    this.firestore = firestore;
    this.link = new FirestoreLink("the store of checkpoints", deadline, MAX_CALLS);
  }

  @Override
  public Optional<byte[]> load(String name) {
    DocumentSnapshot document = call("read", name, () -> document(name).get());
    Blob blob = document == null ? null : document.getBlob(FIELD);
    return Optional.ofNullable(blob).map(Blob::toBytes);
  }

  @Override
  public void save(String name, byte[] checkpoint) {
    Map<String, Object> fields = Map.of("run", name, FIELD, Blob.fromBytes(checkpoint));
    call("written", name, () -> document(name).set(fields));
  }

  @Override
  public void delete(String name) {
    call("removed", name, () -> document(name).delete());
  }

  @Override
  public void close() {
    link.close();
  }

  private <R> @Nullable R call(String what, String name, Supplier<ApiFuture<R>> request) {
    CompletableFuture<R> result = link.call(request);
    try {
      return result.get();
    } catch (InterruptedException e) {
      result.cancel(true);
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted: the checkpoint of run \"" + name + "\"", e);
    } catch (ExecutionException e) {
      throw new BatchException(
          "the checkpoint of run \"" + name + "\" cannot be " + what, e.getCause());
    }
  }

  /** Names are the host's and may be anything. */
  private DocumentReference document(String name) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      return firestore.collection(COLLECTION).document(HexFormat.of().formatHex(hash, 0, 16));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
