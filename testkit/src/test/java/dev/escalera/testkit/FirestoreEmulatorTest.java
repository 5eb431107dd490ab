package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import java.util.Map;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreEmulatorTest {
  @Test
  void the_extension_hands_out_a_client_of_the_emulator(
      FirestoreEmulator emulator, Firestore firestore) throws Exception {
    firestore.document("things/a").set(Map.of("n", 1L)).get();

    assertThat(firestore.document("things/a").get().get().getLong("n")).isEqualTo(1L);
    assertThat(firestore.getOptions().getEmulatorHost()).isEqualTo(emulator.hostPort());
  }

  @Test
  void projects_do_not_see_each_other(FirestoreEmulator emulator, Firestore firestore)
      throws Exception {
    Firestore other = emulator.openClient("another-project");
    try {
      firestore.document("things/b").set(Map.of("n", 1L)).get();
      assertThat(other.document("things/b").get().get().exists()).isFalse();
    } finally {
      other.shutdownNow();
    }
  }

  @Test
  void a_closed_emulator_of_our_own_is_gone() throws Exception {
    FirestoreEmulator emulator = FirestoreEmulator.start();
    assertThat(TestNet.accepts(emulator.hostPort())).isTrue();

    emulator.close();

    if (System.getenv(FirestoreEmulator.HOST_VARIABLE) == null) {
      assertThat(TestNet.accepts(emulator.hostPort())).isFalse();
    } else {
      assertThat(TestNet.accepts(emulator.hostPort()))
          .as("the host's own emulator is left alone")
          .isTrue();
    }
  }
}
