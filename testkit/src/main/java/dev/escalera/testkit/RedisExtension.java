package dev.escalera.testkit;

import io.lettuce.core.RedisClient;
import java.time.Duration;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Hands out what {@link WithRedis} promises. */
final class RedisExtension implements ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(RedisExtension.class);
  private static final String CLIENT_TYPE = "io.lettuce.core.RedisClient";

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    // By name, so that a test class without Lettuce can use the server alone.
    return type == RedisServer.class || type.getName().equals(CLIENT_TYPE);
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Store store = ClassScope.store(context, NAMESPACE);
    RedisServer server = ClassScope.get(store, RedisServer.class, RedisServer::start);
    if (parameter.getParameter().getType() == RedisServer.class) {
      return server;
    }
    return ClassScope.get(store, Client.class, () -> new Client(RedisClient.create(server.uri())))
        .client();
  }

  private record Client(RedisClient client) implements AutoCloseable {
    private static final Duration SHUTDOWN = Duration.ofSeconds(2);

    @Override
    public void close() {
      client.shutdown(Duration.ZERO, SHUTDOWN);
    }
  }
}
