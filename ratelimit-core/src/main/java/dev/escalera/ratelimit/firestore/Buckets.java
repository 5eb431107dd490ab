package dev.escalera.ratelimit.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentSnapshot;
import dev.escalera.ratelimit.internal.TokenBucket;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A bucket as the fields of a document. */
final class Buckets {
  private static final String TOKENS = "tokens";
  private static final String REMAINDER = "remainder";
  private static final String AT = "at";
  private static final String CAPACITY = "capacity";
  private static final String PERIOD = "periodMicros";
  private static final String BURST = "burst";

  /** For a TTL policy: from then on the bucket is as good as none. */
  private static final String EXPIRE_AT = "expireAt";

  private Buckets() {}

  static TokenBucket read(DocumentSnapshot document) {
    return new TokenBucket(
        number(document, TOKENS),
        number(document, REMAINDER),
        number(document, AT),
        number(document, CAPACITY),
        number(document, PERIOD),
        number(document, BURST));
  }

  static Map<String, Object> fields(TokenBucket bucket, long resetMicros) {
    return Map.of(
        TOKENS, bucket.tokens(),
        REMAINDER, bucket.remainder(),
        AT, bucket.at(),
        CAPACITY, bucket.capacity(),
        PERIOD, bucket.periodMicros(),
        BURST, bucket.burst(),
        EXPIRE_AT, Timestamp.ofTimeMicroseconds(bucket.at() + resetMicros));
  }

  private static long number(DocumentSnapshot document, String field) {
    @Nullable Long number = document.getLong(field);
    if (number == null) {
      throw new IllegalStateException(
          "document " + document.getReference().getPath() + " has no field " + field);
    }
    return number;
  }
}
