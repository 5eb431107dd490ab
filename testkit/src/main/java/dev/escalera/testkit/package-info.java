/**
 * Real Redis and Firestore servers for tests, examples and benchmarks, started from a bare
 * checkout.
 *
 * <p>In a JUnit test, {@link dev.escalera.testkit.WithRedis @WithRedis} gives the test class a
 * Redis server of its own and {@link dev.escalera.testkit.WithFirestore @WithFirestore} a project
 * of its own on the Firestore emulator:
 *
 * <pre>{@code
 * @WithRedis
 * @WithFirestore
 * class InventoryTest {
 *   @Test
 *   void a_reservation_is_visible_in_both_stores(RedisClient redis, Firestore firestore) { ... }
 * }
 * }</pre>
 *
 * <p>Anywhere else the same servers are plain objects:
 *
 * <pre>{@code
 * try (RedisServer redis = RedisServer.start();
 *     FirestoreEmulator emulator = FirestoreEmulator.start()) {
 *   RedisClient client = RedisClient.create(redis.uri());
 *   Firestore firestore = emulator.openClient("demo");
 * }
 * }</pre>
 *
 * <p>Servers listen on the loopback address only, keep their files in a temporary folder, and are
 * killed, and their folder removed, when they are closed or when the JVM that started them ends in
 * whatever way, {@code kill -9} included. That rests on {@code /bin/sh}: the testkit runs on Linux
 * and macOS.
 */
@NullMarked
package dev.escalera.testkit;

import org.jspecify.annotations.NullMarked;
