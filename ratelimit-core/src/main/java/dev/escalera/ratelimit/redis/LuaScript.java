package dev.escalera.ratelimit.redis;

import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A Lua script beside this class, run by its hash, and by its text where Redis does not know it
 * (any more).
 */
final class LuaScript {
  private final byte[] text;
  private final String sha1;
  private final ScriptOutputType output;

  private LuaScript(byte[] text, ScriptOutputType output) {
    this.text = text;
    this.output = output;
    try {
      this.sha1 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }

  static LuaScript load(String resource, ScriptOutputType output) {
    try (InputStream in = LuaScript.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("resource " + resource + " is not on the class path");
      }
      return new LuaScript(in.readAllBytes(), output);
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + resource + " cannot be read", e);
    }
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  <T> CompletionStage<T> run(
      RedisScriptingAsyncCommands<byte[], byte[]> redis, byte[][] keys, byte[]... arguments) {
    CompletionStage<T> run = redis.evalsha(sha1, output, keys, arguments);
    return run.exceptionallyCompose(
        failure ->
            RedisCalls.unwrap(failure) instanceof RedisNoScriptException
                ? redis.eval(text, output, keys, arguments)
                : CompletableFuture.failedFuture(failure));
  }
}
