package dev.escalera.ratelimit;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Holds the arrows between the packages. */
class ArchitectureTest {
  private static final String ROOT = "dev.escalera.ratelimit";
  private static final String[] BACKENDS = {
    ROOT + ".local..", ROOT + ".redis..", ROOT + ".firestore.."
  };

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages(ROOT);

  @Test
  void the_api_reaches_no_backend_and_nothing_internal() {
    reachesNot(ROOT, BACKENDS);
    reachesNot(ROOT, ROOT + ".internal..");
  }

  @Test
  void what_is_shared_reaches_no_backend() {
    reachesNot(ROOT + ".internal..", BACKENDS);
  }

  @Test
  void backends_do_not_reach_each_other() {
    reachesNot(ROOT + ".local..", ROOT + ".redis..", ROOT + ".firestore..");
    reachesNot(ROOT + ".redis..", ROOT + ".local..", ROOT + ".firestore..");
    reachesNot(ROOT + ".firestore..", ROOT + ".local..", ROOT + ".redis..");
  }

  @Test
  void vendor_types_stay_in_their_own_package() {
    onlyFrom(ROOT + ".redis..", "io.lettuce..");
    onlyFrom(ROOT + ".firestore..", "com.google..", "io.grpc..");
    onlyFrom(ROOT + ".firestore..", "io.github.bucket4j..");
  }

  @Test
  void modules_do_not_reach_each_other() {
    noClasses()
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are of another module",
                type ->
                    type.getPackageName().startsWith("dev.escalera.")
                        && !type.getPackageName().startsWith(ROOT)))
        .check(CLASSES);
  }

  private static void reachesNot(String from, String... to) {
    noClasses()
        .that()
        .resideInAPackage(from)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(to)
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  private static void onlyFrom(String from, String... vendor) {
    noClasses()
        .that()
        .resideOutsideOfPackage(from)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(vendor)
        .check(CLASSES);
  }
}
