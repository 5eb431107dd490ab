package dev.escalera.batch.redis;

import io.lettuce.core.cluster.SlotHash;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A write as Redis gets it: a command, or a script in which it is one step with its checks.
 *
 * @param command its name; EVALSHA for a script
 * @param script what EVALSHA runs; null for a command
 * @param keys what it writes to, all of one slot
 * @param arguments what follows the keys
 */
record Call(String command, @Nullable LuaScript script, List<byte[]> keys, List<byte[]> arguments) {
  static Call script(LuaScript script, List<byte[]> keys, List<byte[]> arguments) {
    return new Call("EVALSHA", script, keys, arguments);
  }

  static Call command(String command, byte[] key, List<byte[]> arguments) {
    return new Call(command, null, List.of(key), arguments);
  }

  /** Whether it is a SET of a value and nothing else. */
  boolean isPlainSet() {
    return script == null && arguments.size() == 1 && command.equals("SET");
  }

  int slot() {
    return SlotHash.getSlot(keys.get(0));
  }

  long bytes() {
    long bytes = command.length();
    for (byte[] key : keys) {
      bytes += key.length;
    }
    for (byte[] argument : arguments) {
      bytes += argument.length;
    }
    return bytes;
  }
}
