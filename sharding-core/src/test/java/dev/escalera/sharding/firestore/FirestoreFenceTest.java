package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.FenceContract;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;

@WithFirestore
class FirestoreFenceTest extends FenceContract {
  private final Firestore other;
  private final FirestoreBuckets source;
  private final FirestoreBuckets destination;
  private final FirestoreCatalog catalog;

  FirestoreFenceTest(Firestore firestore, FirestoreEmulator emulator) {
    this.other = emulator.openClient("escalera-second");
    FirestoreLink first = new FirestoreLink("first", Duration.ofSeconds(20), 4_096);
    FirestoreLink second = new FirestoreLink("second", Duration.ofSeconds(20), 4_096);
    this.source = new FirestoreBuckets(new Paths(firestore), first);
    this.destination = new FirestoreBuckets(new Paths(other), second);
    this.catalog = new FirestoreCatalog(new Paths(firestore), first);
  }

  @AfterEach
  void close() {
    other.shutdownNow();
  }

  @Override
  protected BucketStore source() {
    return source;
  }

  @Override
  protected BucketStore destination() {
    return destination;
  }

  @Override
  protected CatalogStore catalog() {
    return catalog;
  }

  @Override
  protected int races() {
    return 15;
  }
}
