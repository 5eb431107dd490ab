package dev.escalera.benchmarks.cache;

import com.alicp.jetcache.Cache;
import com.alicp.jetcache.CacheValueHolder;
import com.alicp.jetcache.MultiLevelCacheBuilder;
import com.alicp.jetcache.embedded.CaffeineCacheBuilder;
import com.alicp.jetcache.redis.lettuce.RedisLettuceCacheBuilder;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lettuce.core.RedisClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/** JetCache as a host would configure it, with Jackson. */
final class JetCaches {
  private static final int HEAD = 2 * Long.BYTES;
  private static final ObjectMapper JSON = new ObjectMapper();

  private JetCaches() {}

  static Cache<String, Object> ofTwoLevels(RedisClient client, String prefix) {
    Cache<String, Object> local =
        CaffeineCacheBuilder.createCaffeineCacheBuilder()
            .limit(10_000)
            .expireAfterWrite(5, TimeUnit.MINUTES)
            .buildCache();
    Cache<String, Object> remote = remote(client, prefix);
    return MultiLevelCacheBuilder.createMultiLevelCacheBuilder()
        .addCache(local, remote)
        .expireAfterWrite(5, TimeUnit.MINUTES)
        .buildCache();
  }

  static Cache<String, Object> remote(RedisClient client, String prefix) {
    return RedisLettuceCacheBuilder.createRedisLettuceCacheBuilder()
        .redisClient(client)
        .keyPrefix(prefix)
        .valueEncoder(JetCaches::encode)
        .valueDecoder(JetCaches::decode)
        .expireAfterWrite(5, TimeUnit.MINUTES)
        .buildCache();
  }

  private static byte[] encode(Object value) {
    try {
      CacheValueHolder<?> holder = (CacheValueHolder<?>) value;
      byte[] json = JSON.writeValueAsBytes(holder.getValue());
      return ByteBuffer.allocate(HEAD + json.length)
          .putLong(holder.getExpireTime())
          .putLong(holder.getAccessTime())
          .put(json)
          .array();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Object decode(byte[] bytes) {
    try {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      CacheValueHolder<Object> holder = new CacheValueHolder<>();
      holder.setExpireTime(buffer.getLong());
      holder.setAccessTime(buffer.getLong());
      holder.setValue(JSON.readValue(bytes, HEAD, bytes.length - HEAD, Quote.class));
      return holder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
