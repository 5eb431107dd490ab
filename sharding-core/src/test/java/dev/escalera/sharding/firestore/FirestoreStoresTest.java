package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.internal.FenceContract;
import dev.escalera.sharding.internal.StoreContract.Stores;
import dev.escalera.sharding.internal.TargetsContract;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

/** The contracts of stores, on two databases. */
@WithFirestore
class FirestoreStoresTest {
  private static final int RACES = 15;
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private final Firestore other;
  private final Stores stores;

  FirestoreStoresTest(Firestore firestore, FirestoreEmulator emulator) {
    this.other = emulator.openClient("escalera-second");
    FirestoreLink first = new FirestoreLink("first", DEADLINE, 4_096);
    FirestoreLink second = new FirestoreLink("second", DEADLINE, 4_096);
    this.stores =
        new Stores(
            new FirestoreBuckets(new Paths(firestore), first, DEADLINE),
            new FirestoreBuckets(new Paths(other), second, DEADLINE),
            new FirestoreCatalog(new Paths(firestore), first),
            RACES);
  }

  @AfterEach
  void close() {
    other.shutdownNow();
  }

  @Nested
  class Fences extends FenceContract {
    @Override
    protected Stores stores() {
      return stores;
    }
  }

  @Nested
  class Targets extends TargetsContract {
    @Override
    protected Stores stores() {
      return stores;
    }
  }
}
