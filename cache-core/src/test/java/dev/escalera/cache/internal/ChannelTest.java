package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ChannelTest {
  @Test
  void a_node_that_has_heard_of_no_registry_waits_for_the_leases_of_those_it_cannot_know() {
    long lease = Duration.ofMinutes(1).toNanos();
    Platform platform = Platform.system(() -> 10 * lease);
    Wire none = events -> new CompletableFuture<>();
    try (Channel channel = new Channel(platform, none, "test", lease, new Lease(platform), 0)) {
      Channel.Acknowledgement acknowledgement = channel.expect();
      assertThat(acknowledgement.await(0, Map.of(), silent -> {})).isNotDone();
      acknowledgement.cancel();
    }
  }
}
