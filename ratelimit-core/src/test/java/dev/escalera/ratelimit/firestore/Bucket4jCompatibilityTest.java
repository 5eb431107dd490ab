package dev.escalera.ratelimit.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.testkit.WithFirestore;
import io.github.bucket4j.tck.AbstractDistributedBucketTest;
import io.github.bucket4j.tck.ProxyManagerSpec;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Bucket4j's own tests of distributed buckets; at the same time, since most of their time is
 * waiting.
 */
@WithFirestore
@Execution(ExecutionMode.CONCURRENT)
class Bucket4jCompatibilityTest extends AbstractDistributedBucketTest {
  @BeforeAll
  static void specs(Firestore firestore) {
    specs =
        List.of(
            new ProxyManagerSpec<>(
                    "FirestoreProxyManager",
                    () -> UUID.randomUUID().toString(),
                    () -> FirestoreProxyManager.builder(firestore))
                .checkExpiration());
  }
}
