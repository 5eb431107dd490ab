package dev.escalera.cache.jackson;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.escalera.cache.ValueCodec;
import java.io.IOException;

/**
 * Values as JSON. The type is that of the codec, never one that the JSON names.
 *
 * @param <V> values
 */
public final class JacksonCodec<V> implements ValueCodec<V> {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .deactivateDefaultTyping()
          .build();

  private final ObjectReader reader;
  private final ObjectWriter writer;

  private JacksonCodec(JavaType type) {
    this.reader = MAPPER.readerFor(type);
    this.writer = MAPPER.writerFor(type);
  }

  /**
   * Returns a codec for a class.
   *
   * @param <V> values
   * @param type a record, a bean, or what else Jackson reads and writes without modules
   * @return the codec
   */
  public static <V> JacksonCodec<V> of(Class<V> type) {
    return new JacksonCodec<>(MAPPER.constructType(type));
  }

  /**
   * Returns a codec for a generic type, such as a list of records.
   *
   * @param <V> values
   * @param type the type
   * @return the codec
   */
  public static <V> JacksonCodec<V> of(TypeReference<V> type) {
    return new JacksonCodec<>(MAPPER.constructType(type));
  }

  @Override
  public byte[] encode(V value) throws IOException {
    return writer.writeValueAsBytes(value);
  }

  @Override
  public V decode(byte[] bytes) throws IOException {
    V value = reader.readValue(bytes);
    if (value == null) {
      throw new IOException("the JSON is null");
    }
    return value;
  }
}
