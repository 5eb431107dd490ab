package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.CursorException;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardQuery;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Where a page begins: behind the values of the order, the id and the partition of the last
 * document of the page before, or before those of the first one of the page behind it. One key for
 * all buckets, so that a token is as short for many as for few, and good for buckets that come
 * later.
 *
 * @param values of the fields of the order
 * @param id what the store knows the document by
 * @param partition of its bucket
 * @param backwards whether the page lies before it
 * @param expires when the token is no longer good
 * @param at as of when all pages are; empty if each is as of its own time
 */
record Cursor(
    List<@Nullable Object> values,
    String id,
    String partition,
    boolean backwards,
    Instant expires,
    Optional<Instant> at) {
  private static final String MAC = "HmacSHA256";
  private static final int TAG = 16;

  /** How many values a token has behind those of the order. */
  private static final int REST = 5;

  /** Returns the token: the content and the query's digest, signed. */
  String sign(ShardQuery query, byte[] secret) {
    List<@Nullable Object> content = new ArrayList<>(values);
    content.add(id);
    content.add(partition);
    content.add(backwards);
    content.add(expires);
    content.add(at.orElse(null));
    byte[] encoded = DocumentCodec.encodeValues(content);
    byte[] token = Arrays.copyOf(tag(query, encoded, secret), TAG + encoded.length);
    System.arraycopy(encoded, 0, token, TAG, encoded.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * Throws CursorException if the token was not signed for this query with this secret, or died.
   */
  static Cursor verify(String token, ShardQuery query, byte[] secret, Instant now) {
    byte[] bytes = decode(token);
    byte[] encoded = Arrays.copyOfRange(bytes, Math.min(TAG, bytes.length), bytes.length);
    if (!MessageDigest.isEqual(Arrays.copyOf(bytes, TAG), tag(query, encoded, secret))) {
      throw refused();
    }
    Cursor cursor = of(DocumentCodec.decodeValues(encoded));
    if (!now.isBefore(cursor.expires)) {
      throw new CursorException(
          "the cursor expired at " + cursor.expires + "; start with the first page", true);
    }
    return cursor;
  }

  private static Cursor of(List<@Nullable Object> content) {
    int rest = content.size() - REST;
    if (rest >= 0
        && content.get(rest) instanceof String id
        && content.get(rest + 1) instanceof String partition
        && content.get(rest + 2) instanceof Boolean backwards
        && content.get(rest + 3) instanceof Instant expires) {
      Optional<Instant> at =
          content.get(rest + 4) instanceof Instant time ? Optional.of(time) : Optional.empty();
      return new Cursor(content.subList(0, rest), id, partition, backwards, expires, at);
    }
    throw refused();
  }

  private static byte[] decode(String token) {
    try {
      return Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException e) {
      throw refused();
    }
  }

  private static CursorException refused() {
    return new CursorException(
        "the cursor was not given out for this query; start with the first page", false);
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
    parts.add(null);
    parts.add(query.snapshot());
    return parts;
  }
}
