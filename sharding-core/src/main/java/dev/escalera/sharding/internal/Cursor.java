package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardQuery;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Where a page ended: the values of the order, the id and the partition of its last document. One
 * key for all buckets, so that a token is as short for many as for few, and good for buckets that
 * come later.
 */
record Cursor(List<@Nullable Object> values, String id, String partition) {
  private static final String MAC = "HmacSHA256";
  private static final int TAG = 16;

  /** Returns the token: the content and the query's digest, signed. */
  String sign(ShardQuery query, byte[] secret) {
    List<@Nullable Object> content = new ArrayList<>(values);
    content.add(id);
    content.add(partition);
    byte[] encoded = DocumentCodec.encodeValues(content);
    byte[] token = Arrays.copyOf(tag(query, encoded, secret), TAG + encoded.length);
    System.arraycopy(encoded, 0, token, TAG, encoded.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * Throws IllegalArgumentException if the token was not signed for this query with this secret.
   */
  static Cursor verify(String token, ShardQuery query, byte[] secret) {
    byte[] bytes = decode(token);
    byte[] encoded = Arrays.copyOfRange(bytes, Math.min(TAG, bytes.length), bytes.length);
    if (!MessageDigest.isEqual(Arrays.copyOf(bytes, TAG), tag(query, encoded, secret))) {
      throw refused();
    }
    List<@Nullable Object> content = DocumentCodec.decodeValues(encoded);
    int values = content.size() - 2;
    return new Cursor(
        content.subList(0, values),
        String.valueOf(content.get(values)),
        String.valueOf(content.get(values + 1)));
  }

  private static byte[] decode(String token) {
    try {
      return Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException e) {
      throw refused();
    }
  }

  private static IllegalArgumentException refused() {
    return new IllegalArgumentException(
        "the cursor was not given out for this query; start with the first page");
  }

  private static byte[] tag(ShardQuery query, byte[] encoded, byte[] secret) {
    try {
      Mac mac = Mac.getInstance(MAC);
      mac.init(new SecretKeySpec(secret, MAC));
      mac.update(DocumentCodec.encodeValues(canonical(query)));
      return Arrays.copyOf(mac.doFinal(encoded), TAG);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + MAC, e);
    }
  }

  /** All that decides what comes and in which order; the limit does not. */
  private static List<@Nullable Object> canonical(ShardQuery query) {
    List<@Nullable Object> parts = new ArrayList<>();
    parts.add(query.collection());
    for (Condition condition : query.conditions()) {
      parts.add(condition.field());
      parts.add(condition.operator().name());
      parts.add(condition.value());
    }
    parts.add(null);
    for (Order order : query.orders()) {
      parts.add(order.field());
      parts.add(order.direction().name());
    }
    return parts;
  }
}
