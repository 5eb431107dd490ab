package dev.escalera.cache.firestore;

import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Keys;
import dev.escalera.cache.internal.Nonces;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where the documents of a cache are. The log is in stripes, collections of their own, since the
 * index of what is always written at its end takes about 500 writes a second.
 */
final class FirestoreLayout {
  static final int STRIPES = 2;

  static final String ROOT = "escalera_cache";
  static final String ENTRIES = "escalera_cache_entries";
  static final String LOG = "escalera_cache_log";
  private static final String STRIPE = "escalera_cache_stripes";

  private final CollectionReference entries;
  private final List<CollectionReference> stripes;

  FirestoreLayout(Firestore firestore, String name) {
    DocumentReference cache = firestore.collection(ROOT).document(id(name));
    this.entries = cache.collection(ENTRIES);
    // All of one collection id, so that one policy collects their garbage.
    this.stripes =
        IntStream.range(0, STRIPES)
            .mapToObj(i -> cache.collection(STRIPE).document(String.valueOf(i)).collection(LOG))
            .toList();
  }

  /** The document of a key. */
  DocumentReference entry(Address address) {
    return entries.document(sha256(Keys.escape(address.text())));
  }

  /** The document of a tag. */
  DocumentReference tag(Address tag) {
    return entries.document("tag-" + sha256(Keys.escape(tag.text())));
  }

  /** The document of a change of a key or tag, in the stripe of its hash. */
  DocumentReference change(long hash, long nonce) {
    int stripe = (int) Long.remainderUnsigned(hash, STRIPES);
    return stripes.get(stripe).document(Nonces.hex(nonce));
  }

  /** The stripes of the log. */
  List<CollectionReference> stripes() {
    return stripes;
  }

  /** Returns the id of a cache: its name, of which Firestore reserves some that begin so. */
  private static String id(String name) {
    String id = Keys.escape(name);
    return id.startsWith("_")
        ? "%5F" + id.substring(1)
        : id.startsWith(".") ? "%2E" + id.substring(1) : id;
  }

  private static String sha256(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
