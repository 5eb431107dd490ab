package dev.escalera.ratelimit.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentSnapshot;
import dev.escalera.ratelimit.internal.Escrow;
import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.TokenBucket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A bucket as the fields of a document. */
final class Buckets {
  private static final String TOKENS = "tokens";
  private static final String REMAINDER = "remainder";
  private static final String AT = "at";

  /** Capacity, period in µs, burst, revision and scale. */
  private static final String FIGURES = "figures";

  /** Each as its id, its tokens and the time in µs until which it counts. */
  private static final String LEASES = "leases";

  private static final String ID = "id";
  private static final String UNTIL = "until";

  /** For a TTL policy: from then on the bucket is as good as none. */
  private static final String EXPIRE_AT = "expireAt";

  private Buckets() {}

  static Escrow read(DocumentSnapshot document) {
    Figures figures = Figures.parse(field(document, FIGURES, document.getString(FIGURES)));
    TokenBucket bucket =
        new TokenBucket(
            number(document, TOKENS), number(document, REMAINDER), number(document, AT), figures);
    List<Escrow.Lease> leases = new ArrayList<>();
    for (Object lease : (List<?>) field(document, LEASES, document.get(LEASES))) {
      Map<?, ?> fields = (Map<?, ?>) lease;
      leases.add(
          new Escrow.Lease(
              (String) field(document, ID, fields.get(ID)),
              (Long) field(document, TOKENS, fields.get(TOKENS)),
              (Long) field(document, UNTIL, fields.get(UNTIL))));
    }
    return new Escrow(bucket, leases);
  }

  static Map<String, Object> fields(Escrow escrow) {
    TokenBucket bucket = escrow.bucket();
    List<Map<String, Object>> leases = new ArrayList<>();
    for (Escrow.Lease lease : escrow.leases()) {
      leases.add(Map.of(ID, lease.id(), TOKENS, lease.tokens(), UNTIL, lease.until()));
    }
    return Map.of(
        TOKENS, bucket.tokens(),
        REMAINDER, bucket.remainder(),
        AT, bucket.at(),
        FIGURES, bucket.figures().text(),
        LEASES, leases,
        EXPIRE_AT, Timestamp.ofTimeMicroseconds(bucket.at() + escrow.microsToFull()));
  }

  private static long number(DocumentSnapshot document, String field) {
    return field(document, field, document.getLong(field));
  }

  private static <T> T field(DocumentSnapshot document, String field, @Nullable T value) {
    if (value == null) {
      throw new IllegalStateException(
          "document " + document.getReference().getPath() + " has no field " + field);
    }
    return value;
  }
}
