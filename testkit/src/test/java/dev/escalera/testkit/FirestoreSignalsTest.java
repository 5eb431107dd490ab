package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.core.ApiFuture;
import com.google.api.gax.rpc.ApiException;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.WriteResult;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What each signal to the emulator does to the Firestore client. */
@WithFirestore
class FirestoreSignalsTest {
  private static final long SHORT_MILLIS = 300;

  private FirestoreEmulator emulator;
  private Firestore firestore;

  @BeforeEach
  void startOneOfOurOwn() {
    Assumptions.assumeTrue(
        System.getenv(FirestoreEmulator.HOST_VARIABLE) == null,
        "signals need an emulator of our own");
    emulator = FirestoreEmulator.start();
    firestore = emulator.openClient("signals");
  }

  @AfterEach
  void stop() throws Exception {
    if (emulator != null) {
      firestore.shutdownNow();
      emulator.close();
    }
  }

  @Test
  void signals_reach_the_emulator_and_its_client_sees_them() throws Exception {
    DocumentReference document = firestore.document("a/b");
    document.set(Map.of("value", 1L)).get(20, TimeUnit.SECONDS);

    emulator.pause();
    ApiFuture<WriteResult> late = document.update("value", 2L);
    assertThatThrownBy(() -> late.get(SHORT_MILLIS, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    emulator.resume();
    late.get(20, TimeUnit.SECONDS);
    assertThat(document.get().get(20, TimeUnit.SECONDS).getLong("value")).isEqualTo(2);

    emulator.kill();
    assertThat(TestNet.accepts(emulator.hostPort())).isFalse();
    ApiFuture<WriteResult> refused = document.update("value", 3L);
    assertThatThrownBy(() -> refused.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(ApiException.class)
        .hasMessageContaining("UNAVAILABLE");

    String address = emulator.hostPort();
    emulator.restart();
    assertThat(emulator.hostPort()).isEqualTo(address);
    // The channel waits about a second before it dials again, and fails calls meanwhile.
    Until.holds("an empty emulator", () -> isKnownToBeAbsent(document));
  }

  private static boolean isKnownToBeAbsent(DocumentReference document) {
    try {
      return !document.get().get(20, TimeUnit.SECONDS).exists();
    } catch (Exception e) {
      return false;
    }
  }

  @Test
  void close_hangs_after_a_request_over_four_megabytes() throws Exception {
    DocumentReference document = firestore.document("a/b");
    document.set(Map.of("value", 1L)).get(20, TimeUnit.SECONDS);
    ApiFuture<WriteResult> refused = document.set(Map.of("text", "x".repeat(5_000_000)));
    assertThatThrownBy(() -> refused.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(ApiException.class);
    Thread closing = new Thread(this::closeTheClient, "close");
    closing.setDaemon(true);
    closing.start();

    closing.join(3_000);

    assertThat(closing.isAlive()).isTrue();
    firestore.shutdownNow();
  }

  private void closeTheClient() {
    try {
      firestore.close();
    } catch (Exception e) {
      throw new TestkitException("the close was interrupted", e);
    }
  }
}
