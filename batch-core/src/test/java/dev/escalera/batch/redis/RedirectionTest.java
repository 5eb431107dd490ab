package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RedirectionTest {
  @Test
  void the_two_of_a_cluster_are_read_whatever_the_address() {
    assertThat(Redirection.of("MOVED 3999 127.0.0.1:6381"))
        .contains(new Redirection("127.0.0.1", 6381, false));
    assertThat(Redirection.of("ASK 0 redis-1.example:7000"))
        .contains(new Redirection("redis-1.example", 7000, true));
    assertThat(Redirection.of("MOVED 16383 fe80::1:6379"))
        .contains(new Redirection("fe80::1", 6379, false));
  }

  @Test
  void nothing_else_is_one() {
    assertThat(Redirection.of(null)).isEmpty();
    assertThat(Redirection.of("")).isEmpty();
    // The address is not known to the one who answers.
    assertThat(Redirection.of("MOVED 3999 :6381")).isEmpty();
    assertThat(Redirection.of("TRYAGAIN Multiple keys request during rehashing of slot")).isEmpty();
    // What a client has sent comes back in some errors.
    assertThat(Redirection.of("ERR unknown command 'x: MOVED 1 127.0.0.1:1'")).isEmpty();
    assertThat(Redirection.of("MOVED 1 127.0.0.1:1 and more")).isEmpty();
  }
}
