package dev.escalera.batch.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.testkit.Node;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class SmallHeapTest {
  @Test
  void a_million_operations_pass_through_128_mb_and_small_stacks() {
    try (Node node = Node.start(List.of("-Xmx128m", "-Xss256k"), SmallHeap.class)) {
      assertThat(node.readLine(Duration.ofMinutes(2))).isEqualTo("applied 1000000");
    }
  }
}
