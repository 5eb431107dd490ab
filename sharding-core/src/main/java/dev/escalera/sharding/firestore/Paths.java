package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.internal.Bucket;

/** Where things lie in a database. */
record Paths(Firestore firestore) {
  CollectionReference documents(Bucket bucket) {
    return parent(bucket).collection(bucket.collection());
  }

  DocumentReference document(Bucket bucket, String id) {
    return documents(bucket).document(id);
  }

  CollectionReference fences(Bucket bucket) {
    return parent(bucket).collection("fences");
  }

  DocumentReference catalog(String collection) {
    return firestore.collection("escalera_catalog").document(collection);
  }

  CollectionReference entries(String collection) {
    return catalog(collection).collection("buckets");
  }

  DocumentReference entry(Bucket bucket) {
    return entries(bucket.collection()).document(bucket.name());
  }

  DocumentReference secret() {
    return firestore.document("escalera_router/cursor");
  }

  private DocumentReference parent(Bucket bucket) {
    return firestore.collection("escalera_" + bucket.collection()).document(bucket.name());
  }
}
