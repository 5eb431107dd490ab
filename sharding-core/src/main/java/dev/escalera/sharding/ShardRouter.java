package dev.escalera.sharding;

import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.UnaryOperator;

/**
 * Routes documents to their partitions, and queries over them.
 *
 * <p>A document is identified by its partition key and its id: two partitions may each have a
 * document of one id. Each write of a document is atomic. Stages that are returned do not complete
 * on a thread of the store's driver; they fail with a {@link ShardingException} if the store does.
 * Instances are safe for use by any number of threads.
 */
public interface ShardRouter extends AutoCloseable {
  /**
   * Puts a document into its partition, and replaces the one of that id there.
   *
   * @param collection the name of a collection of this router
   * @param document with the field that the partition goes by
   * @return completes when the document is stored
   * @throws IllegalArgumentException if there is no such collection, or the document lacks that
   *     field or has one of a wrong type; nothing is written
   */
  CompletionStage<Void> putAsync(String collection, Document document);

  /**
   * Returns a document.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @return the document, empty if there is none
   * @throws IllegalArgumentException if there is no such collection, or the key does not fit its
   *     partitioning
   */
  CompletionStage<Optional<Document>> getAsync(String collection, PartitionKey key, String id);

  /**
   * Changes a document: reads it, applies the function and writes what it returns, provided that no
   * one wrote in between, else all again. The function may so be called several times. If the
   * document then belongs to another partition, it moves there in one step of the store.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @param change gives the document that shall be, with the same id
   * @return the document as it was written; empty if there is none, and then nothing is written
   * @throws IllegalArgumentException if there is no such collection, or the key does not fit its
   *     partitioning; the stage fails with it if the change gives another id, or would move the
   *     document to another database or server; with {@link ShardingException} also if the other
   *     partition has a document of that id
   */
  CompletionStage<Optional<Document>> updateAsync(
      String collection, PartitionKey key, String id, UnaryOperator<Document> change);

  /**
   * Removes a document, if it exists.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @return completes when the document is gone
   * @throws IllegalArgumentException if there is no such collection, or the key does not fit its
   *     partitioning
   */
  CompletionStage<Void> deleteAsync(String collection, PartitionKey key, String id);

  /**
   * Puts documents in bulk. Each is put by itself: some may fail while others are stored. Of two
   * documents of one partition and id the later one is stored.
   *
   * @param collection the name of a collection of this router
   * @param documents what to put; one that does not fit the collection fails alone
   * @return a result a document, in the order of the documents
   * @throws IllegalArgumentException if there is no such collection
   */
  CompletionStage<List<DocumentResult>> writeAllAsync(String collection, List<Document> documents);

  /**
   * Returns a page of the documents that a query selects, in its order, over all partitions that
   * can hold some. A document that does not change while a host pages comes exactly once; a
   * partition that another process made may be missed for 5 seconds, unless the query names it by
   * EQUAL.
   *
   * @param query what to select
   * @return the page
   * @throws IllegalArgumentException if there is no such collection, no declared index serves the
   *     query, or the cursor is none of this query's; the stage fails with it if the cursor is not
   *     genuine or too many partitions would have to be asked
   */
  CompletionStage<Page> queryAsync(ShardQuery query);

  /**
   * Returns how many documents a query selects, on all its pages; its cursor and limit do not
   * matter.
   *
   * @param query what to select
   * @return the number, and what it cost
   * @throws IllegalArgumentException if there is no such collection, or no declared index serves
   *     the query
   */
  CompletionStage<Count> countAsync(ShardQuery query);

  /**
   * Returns how a collection lies in its partitions, which keys are hot, and how much is written.
   * Costs a count of every bucket and, on Firestore, the reads of a sample: 24 documents of a
   * bucket at most, about 1,000 in all.
   *
   * @param collection the name of a collection of this router
   * @return the report
   * @throws IllegalArgumentException if there is no such collection
   */
  CompletionStage<Distribution> distributionAsync(String collection);

  /**
   * Returns what this router has done since it was built, without a call.
   *
   * @return the figures, those of one moment about
   */
  ShardStats stats();

  /**
   * Looks for a document in every partition: for when its partition is not known. Asks a bucket of
   * each partition by date or region, and all buckets of the users.
   *
   * @param collection the name of a collection of this router
   * @param id of the document
   * @return the documents of that id, by partition; several partitions may have one each
   * @throws IllegalArgumentException if there is no such collection
   */
  CompletionStage<List<Document>> findEverywhereAsync(String collection, String id);

  /**
   * Returns the partitions of a collection that hold, or held, documents, and how many; where
   * partitions go by user, the buckets that they share. Firestore bills a read for each thousand
   * documents of a bucket, at least one.
   *
   * @param collection the name of a collection of this router
   * @return partitions, by name
   * @throws IllegalArgumentException if there is no such collection
   */
  CompletionStage<List<Partition>> partitionsAsync(String collection);

  /**
   * Returns the name of the bucket that a document belongs to, without a call.
   *
   * @param collection the name of a collection of this router
   * @param document with the field that the partition goes by
   * @return such as {@code 2026_11#3}
   * @throws IllegalArgumentException if there is no such collection, or the document does not fit
   *     it
   */
  String locate(String collection, Document document);

  /**
   * Puts a document, and waits.
   *
   * @param collection the name of a collection of this router
   * @param document with the field that the partition goes by
   * @throws IllegalArgumentException if there is no such collection or the document does not fit
   *     it; nothing is written
   * @throws ShardingException if the store fails, or the thread is interrupted; the document may be
   *     written or not
   * @see #putAsync
   */
  default void put(String collection, Document document) {
    Objects.requireNonNull(document, "document");
    Waiting.on("put " + collection + "/" + document.id(), putAsync(collection, document));
  }

  /**
   * Returns a document, and waits.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @return the document, empty if there is none
   * @throws IllegalArgumentException if there is no such collection, or the key does not fit its
   *     partitioning
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #getAsync
   */
  default Optional<Document> get(String collection, PartitionKey key, String id) {
    return Waiting.on("get " + collection + "/" + id, getAsync(collection, key, id));
  }

  /**
   * Changes a document, and waits.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @param change gives the document that shall be, with the same id
   * @return the document as it was written, empty if there is none
   * @throws IllegalArgumentException if there is no such collection, the key does not fit, or the
   *     change gives another id or would move the document to another database or server
   * @throws ShardingException if the store fails, or the thread is interrupted, and the document
   *     may be changed or not; or if the change moves it to where there is another of its id
   * @see #updateAsync
   */
  default Optional<Document> update(
      String collection, PartitionKey key, String id, UnaryOperator<Document> change) {
    return Waiting.on("update " + collection + "/" + id, updateAsync(collection, key, id, change));
  }

  /**
   * Removes a document, and waits.
   *
   * @param collection the name of a collection of this router
   * @param key of the partition
   * @param id of the document
   * @throws IllegalArgumentException if there is no such collection, or the key does not fit its
   *     partitioning
   * @throws ShardingException if the store fails, or the thread is interrupted; the document may be
   *     gone or not
   * @see #deleteAsync
   */
  default void delete(String collection, PartitionKey key, String id) {
    Waiting.on("delete " + collection + "/" + id, deleteAsync(collection, key, id));
  }

  /**
   * Puts documents in bulk, and waits.
   *
   * @param collection the name of a collection of this router
   * @param documents what to put; one that does not fit the collection fails alone
   * @return a result a document, in the order of the documents
   * @throws IllegalArgumentException if there is no such collection
   * @throws ShardingException if the thread is interrupted; the documents may be written or not
   * @see #writeAllAsync
   */
  default List<DocumentResult> writeAll(String collection, List<Document> documents) {
    return Waiting.on(
        "write " + documents.size() + " documents of " + collection,
        writeAllAsync(collection, documents));
  }

  /**
   * Returns a page of a query, and waits.
   *
   * @param query what to select
   * @return the page
   * @throws IllegalArgumentException if there is no such collection, no declared index serves the
   *     query, or the cursor is none of this query's
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #queryAsync
   */
  default Page query(ShardQuery query) {
    return Waiting.on("query " + query.collection(), queryAsync(query));
  }

  /**
   * Returns how many documents a query selects, and waits.
   *
   * @param query what to select
   * @return the number, and what it cost
   * @throws IllegalArgumentException if there is no such collection, or no declared index serves
   *     the query
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #countAsync
   */
  default Count count(ShardQuery query) {
    return Waiting.on("count " + query.collection(), countAsync(query));
  }

  /**
   * Returns how a collection lies in its partitions, and waits.
   *
   * @param collection the name of a collection of this router
   * @return the report
   * @throws IllegalArgumentException if there is no such collection
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #distributionAsync
   */
  default Distribution distribution(String collection) {
    return Waiting.on("look at the partitions of " + collection, distributionAsync(collection));
  }

  /**
   * Looks for a document in every partition, and waits.
   *
   * @param collection the name of a collection of this router
   * @param id of the document
   * @return the documents of that id, by partition
   * @throws IllegalArgumentException if there is no such collection
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #findEverywhereAsync
   */
  default List<Document> findEverywhere(String collection, String id) {
    return Waiting.on("find " + collection + "/" + id, findEverywhereAsync(collection, id));
  }

  /**
   * Returns all documents that a query selects, on all its pages: the next page is fetched while
   * one is being read. The iterator is for one thread; its calls wait, and throw what {@link
   * #query} throws.
   *
   * @param query what to select; its limit is the size of a page
   * @return the documents, in order
   * @throws IllegalArgumentException if there is no such collection, or no declared index serves
   *     the query
   * @throws ShardingException if the store fails, or the thread is interrupted
   */
  default Iterator<Document> iterate(ShardQuery query) {
    return new QueryIterator(this, Objects.requireNonNull(query, "query"));
  }

  /**
   * Returns all documents that a query selects, on all its pages, as a publisher: each subscriber
   * gets them from the start, as many as it asks for, and no page is fetched before it is wanted.
   *
   * @param query what to select; its limit is the size of a page
   * @return the documents, in order
   */
  default Flow.Publisher<Document> publish(ShardQuery query) {
    return new QueryPublisher(this, Objects.requireNonNull(query, "query"));
  }

  /**
   * Returns the partitions of a collection, and waits.
   *
   * @param collection the name of a collection of this router
   * @return partitions, by name
   * @throws IllegalArgumentException if there is no such collection
   * @throws ShardingException if the store fails, or the thread is interrupted
   * @see #partitionsAsync
   */
  default List<Partition> partitions(String collection) {
    return Waiting.on("list the partitions of " + collection, partitionsAsync(collection));
  }

  /**
   * Closes the connections that this router opened; the client that it was given stays open.
   * Idempotent.
   */
  @Override
  void close();
}
