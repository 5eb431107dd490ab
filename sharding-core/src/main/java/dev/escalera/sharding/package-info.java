/**
 * One logical collection of documents over many partitions, by date, user, region or hash.
 *
 * <p>{@link dev.escalera.sharding.ShardRouter} is the entry point. It puts each document into the
 * partition that its fields name, and answers ordered queries over all partitions as one collection
 * would, page by page.
 *
 * <pre>{@code
 * ShardRouter router =
 *     FirestoreShardRouter.builder(firestore)
 *         .collection(
 *             ShardedCollection.named("messages")
 *                 .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
 *                 .spread(8)
 *                 .index(Index.asc("userId"), Index.desc("createdAt")))
 *         .build();
 *
 * router.put("messages", Document.of("m1", Map.of("createdAt", now, "userId", "u1")));
 *
 * Page page =
 *     router.query(
 *         ShardQuery.from("messages")
 *             .where("userId", Operator.EQUAL, "u1")
 *             .orderBy("createdAt", Direction.DESCENDING)
 *             .limit(100));
 * }</pre>
 *
 * <p>A <em>partition</em> is a value of the partitioning, such as 2026_11; a <em>bucket</em> is one
 * of the parts that {@link dev.escalera.sharding.ShardedCollection#spread} divides it into, such as
 * 2026_11#3.
 */
@NullMarked
package dev.escalera.sharding;

import org.jspecify.annotations.NullMarked;
