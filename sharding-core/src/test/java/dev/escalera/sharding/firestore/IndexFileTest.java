package dev.escalera.sharding.firestore;

import static dev.escalera.sharding.Index.asc;
import static dev.escalera.sharding.Index.contains;
import static dev.escalera.sharding.Index.desc;
import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.sharding.ShardedCollection;
import org.junit.jupiter.api.Test;

class IndexFileTest {
  @Test
  void indexes_of_several_fields_are_declared_both_ways() {
    assertThat(
            FirestoreShardRouter.indexesJson(
                ShardedCollection.named("messages")
                    .index(asc("userId"), desc("createdAt"))
                    .index(asc("userId"))
                    .index(contains("tags"), asc("a.\"b")),
                ShardedCollection.named("plain")))
        .isEqualTo(
            """
            {
              "indexes": [
                {"collectionGroup": "messages", "queryScope": "COLLECTION", "fields": [
                  {"fieldPath": "userId", "order": "ASCENDING"},
                  {"fieldPath": "createdAt", "order": "DESCENDING"}]},
                {"collectionGroup": "messages", "queryScope": "COLLECTION", "fields": [
                  {"fieldPath": "userId", "order": "DESCENDING"},
                  {"fieldPath": "createdAt", "order": "ASCENDING"}]},
                {"collectionGroup": "messages", "queryScope": "COLLECTION", "fields": [
                  {"fieldPath": "tags", "arrayConfig": "CONTAINS"},
                  {"fieldPath": "`a.\\"b`", "order": "ASCENDING"}]},
                {"collectionGroup": "messages", "queryScope": "COLLECTION", "fields": [
                  {"fieldPath": "tags", "arrayConfig": "CONTAINS"},
                  {"fieldPath": "`a.\\"b`", "order": "DESCENDING"}]}
              ],
              "fieldOverrides": [
                {"collectionGroup": "messages", "fieldPath": "_escalera_updates", "indexes": []},
                {"collectionGroup": "plain", "fieldPath": "_escalera_updates", "indexes": []}
              ]
            }
            """);
  }
}
