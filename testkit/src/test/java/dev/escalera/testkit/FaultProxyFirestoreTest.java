package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.core.ApiFuture;
import com.google.api.gax.rpc.ApiException;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.testkit.FaultProxy.Direction;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What each fault does to the Firestore client. */
@WithFirestore
class FaultProxyFirestoreTest {
  private static final long SHORT_MILLIS = 300;

  private final Firestore direct;
  private final FaultProxy proxy;
  private final Firestore throughProxy;
  private final DocumentReference seen;
  private final DocumentReference document;

  FaultProxyFirestoreTest(FirestoreEmulator emulator, Firestore direct) {
    this.direct = direct;
    this.proxy = FaultProxy.to(emulator);
    this.throughProxy = emulator.openClient(direct.getOptions().getProjectId(), proxy);
    this.seen = direct.collection("faults").document();
    this.document = throughProxy.document(seen.getPath());
  }

  @BeforeEach
  void connect() throws Exception {
    // The first call of a client opens its channel, which takes its time.
    seen.set(Map.of("counter", 0L)).get(20, TimeUnit.SECONDS);
    assertThat(counter(document)).isZero();
  }

  @AfterEach
  void close() throws Exception {
    throughProxy.shutdownNow();
    proxy.close();
  }

  @Test
  void latency_delays_each_direction() throws Exception {
    proxy.latency(Duration.ofMillis(100));

    long start = System.nanoTime();
    assertThat(counter(document)).isZero();

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(199));
  }

  @Test
  void bandwidth_stretches_a_large_document() throws Exception {
    proxy.bandwidth(1_000_000);

    long start = System.nanoTime();
    document.set(Map.of("text", "x".repeat(300_000))).get(20, TimeUnit.SECONDS);

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(299));
  }

  @Test
  void a_frozen_write_is_not_applied_until_the_proxy_heals() throws Exception {
    proxy.freeze();
    ApiFuture<WriteResult> write = increment();
    assertThatThrownBy(() -> write.get(SHORT_MILLIS, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    assertThat(counter(seen)).isZero();

    proxy.heal();

    write.get(20, TimeUnit.SECONDS);
    assertThat(counter(seen)).isEqualTo(1);
  }

  @Test
  void a_write_whose_reply_is_frozen_is_applied_all_the_same() throws Exception {
    proxy.freeze(Direction.REPLIES);
    ApiFuture<WriteResult> write = increment();

    awaitCounter(1);
    assertThat(write.isDone()).isFalse();
    proxy.heal();

    write.get(20, TimeUnit.SECONDS);
    assertThat(counter(seen)).isEqualTo(1);
  }

  @Test
  void a_dropped_reply_makes_the_client_apply_an_increment_twice() throws Exception {
    proxy.dropReplies();
    ApiFuture<WriteResult> write = increment();
    awaitCounter(1);
    assertThat(write.isDone()).isFalse();

    proxy.reset();
    proxy.heal();

    write.get(20, TimeUnit.SECONDS);
    assertThat(counter(seen)).isEqualTo(2);
  }

  @Test
  void a_write_with_a_precondition_fails_when_its_own_first_reply_was_lost() throws Exception {
    DocumentReference created = throughProxy.collection("faults").document();
    proxy.dropReplies();
    ApiFuture<WriteResult> write = created.create(Map.of("counter", 1L));
    DocumentReference seenCreated = direct.document(created.getPath());
    Until.holds("the document", () -> exists(seenCreated));

    proxy.reset();
    proxy.heal();

    assertThatThrownBy(() -> write.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(ApiException.class)
        .hasMessageContaining("ALREADY_EXISTS");
  }

  @Test
  void a_client_connects_again_after_a_reset_and_after_a_disconnect() {
    // A call that meets the dying connection may fail at once: UNKNOWN (channel closed) is not sent
    // again.
    proxy.reset();
    Until.holds("a connection after the reset", () -> exists(document));

    proxy.disconnect();
    Until.holds("a connection after the disconnect", () -> exists(document));
  }

  @Test
  void a_refused_client_fails_soon_and_connects_again_when_the_proxy_heals() throws Exception {
    proxy.refuse();
    proxy.reset();
    ApiFuture<DocumentSnapshot> read = document.get();
    assertThatThrownBy(() -> read.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(ApiException.class)
        .hasMessageContaining("UNAVAILABLE");

    proxy.heal();

    // The channel waits about a second before it dials again, and fails calls meanwhile.
    Until.holds("a new connection", () -> exists(document));
  }

  @Test
  void a_request_that_is_cut_in_the_middle_is_applied_only_if_it_is_sent_again_in_full()
      throws Exception {
    proxy.cutAfter(Direction.REQUESTS, 10_000);
    ApiFuture<WriteResult> write = document.set(Map.of("text", "x".repeat(300_000)));
    assertThatThrownBy(() -> write.get(SHORT_MILLIS, TimeUnit.MILLISECONDS))
        .isInstanceOfAny(TimeoutException.class, ExecutionException.class);
    assertThat(textSeen()).isNull();

    proxy.heal();

    if (isSentAgain(write)) {
      assertThat(textSeen()).hasSize(300_000);
    } else {
      assertThat(textSeen()).isNull();
    }
  }

  /** The pauses between the client's attempts are random: now and then the last comes too soon. */
  private static boolean isSentAgain(ApiFuture<WriteResult> write) throws Exception {
    try {
      write.get(20, TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException e) {
      assertThat(e).hasMessageContaining("UNAVAILABLE");
      return false;
    }
  }

  private @Nullable String textSeen() throws Exception {
    return seen.get().get(20, TimeUnit.SECONDS).getString("text");
  }

  private ApiFuture<WriteResult> increment() {
    return document.update("counter", FieldValue.increment(1));
  }

  private void awaitCounter(long value) {
    Until.holds(
        "the increment",
        () -> {
          try {
            return counter(seen) == value;
          } catch (Exception e) {
            throw new TestkitException("cannot read the counter", e);
          }
        });
  }

  private static boolean exists(DocumentReference document) {
    try {
      return document.get().get(20, TimeUnit.SECONDS).exists();
    } catch (Exception e) {
      return false;
    }
  }

  private static long counter(DocumentReference document) throws Exception {
    Long counter = document.get().get(20, TimeUnit.SECONDS).getLong("counter");
    assertThat(counter).isNotNull();
    return counter == null ? -1 : counter;
  }
}
