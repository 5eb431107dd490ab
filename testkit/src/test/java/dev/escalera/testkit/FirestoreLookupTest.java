package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FirestoreLookupTest {
  @Test
  void the_emulator_is_found_beside_the_real_gcloud(@TempDir Path folder) throws Exception {
    Path gcloud = executable(folder.resolve("sdk/bin/gcloud"));
    Path link = Files.createDirectories(folder.resolve("links")).resolve("gcloud");
    Files.createSymbolicLink(link, gcloud);
    assertThat(FirestoreEmulator.jarOfSdk(link)).isEmpty();

    Path jar = folder.resolve("sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar");
    Files.createDirectories(jar.getParent());
    Files.createFile(jar);

    assertThat(FirestoreEmulator.jarOfSdk(link)).contains(jar.toRealPath());
  }

  @Test
  void programs_are_found_in_the_order_of_the_path(@TempDir Path folder) throws Exception {
    Path second = executable(folder.resolve("two/tool"));
    Files.createDirectories(folder.resolve("one/tool"));
    Path third = executable(folder.resolve("three/tool"));

    String path = "::" + folder.resolve("one") + ":" + second.getParent() + ":" + third.getParent();

    assertThat(Executables.find("tool", path)).contains(second);
    assertThat(Executables.find("no-such-tool", path)).isEmpty();
    assertThat(Executables.find("tool", "")).isEmpty();
  }

  @Test
  void without_an_emulator_the_tests_are_skipped_with_a_word_on_how_to_get_it() {
    assertThat(FirestoreExtension.decide("optional", false).isDisabled()).isTrue();
    assertThat(FirestoreExtension.decide("optional", false).getReason())
        .hasValueSatisfying(
            reason ->
                assertThat(reason)
                    .contains("gcloud components install", "FIRESTORE_EMULATOR_HOST"));
    assertThat(FirestoreExtension.decide("optional", true).isDisabled()).isFalse();
  }

  @Test
  void without_an_emulator_the_tests_fail_when_it_is_required() {
    assertThatThrownBy(() -> FirestoreExtension.decide("required", false))
        .isInstanceOf(TestkitException.class)
        .hasMessageContaining("no Firestore emulator was found");
    assertThat(FirestoreExtension.decide("required", true).isDisabled()).isFalse();
  }

  @Test
  void a_mode_that_does_not_exist_is_refused() {
    assertThatThrownBy(() -> FirestoreExtension.decide("Required", true))
        .isInstanceOf(TestkitException.class)
        .hasMessage("escalera.firestore is \"Required\", expected \"required\" or \"optional\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "127.0.0.1:", "http://127.0.0.1:8080", ":8080", "a b:1"})
  void an_address_that_is_none_is_refused(String address) {
    assertThatThrownBy(() -> FirestoreEmulator.connect(address))
        .isInstanceOf(TestkitException.class)
        .hasMessage(
            "FIRESTORE_EMULATOR_HOST must be host:port, such as 127.0.0.1:8080, but is '"
                + address
                + "'");
  }

  private static Path executable(Path file) throws Exception {
    Files.createDirectories(file.getParent());
    return Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
  }
}
