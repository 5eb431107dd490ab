package dev.escalera.cache.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class JacksonCodecTest {
  record Metrics(String name, long count) {}

  @Test
  void records_come_back() throws Exception {
    JacksonCodec<Metrics> codec = JacksonCodec.of(Metrics.class);
    Metrics metrics = new Metrics("a", 7);
    assertThat(codec.encode(metrics)).asString().isEqualTo("{\"name\":\"a\",\"count\":7}");
    assertThat(codec.decode(codec.encode(metrics))).isEqualTo(metrics);
  }

  @Test
  void generic_types_come_back() throws Exception {
    JacksonCodec<List<Metrics>> codec = JacksonCodec.of(new TypeReference<>() {});
    List<Metrics> all = List.of(new Metrics("a", 7), new Metrics("b", 8));
    assertThat(codec.decode(codec.encode(all))).isEqualTo(all);
  }

  @Test
  void what_is_no_such_value_is_refused() {
    JacksonCodec<Metrics> codec = JacksonCodec.of(Metrics.class);
    for (String json :
        List.of("", "null", "7", "{", "{\"name\":\"a\",\"count\":7} x", "{\"x\":1}")) {
      assertThatThrownBy(() -> codec.decode(json.getBytes(StandardCharsets.UTF_8)))
          .as(json)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void a_type_that_the_json_names_is_not_made() {
    JacksonCodec<Object> codec = JacksonCodec.of(Object.class);
    String json = "[\"java.io.File\",\"/\"]";
    assertThat(decode(codec, json)).isEqualTo(List.of("java.io.File", "/"));
  }

  private static Object decode(JacksonCodec<Object> codec, String json) {
    try {
      return codec.decode(json.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
