package dev.escalera.testkit;

import com.google.cloud.firestore.Firestore;
import java.util.UUID;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Hands out what {@link WithFirestore} promises. */
final class FirestoreExtension implements ExecutionCondition, ParameterResolver {
  /** The system property that makes a missing emulator an error. */
  static final String MODE_PROPERTY = "escalera.firestore";

  private static final Namespace NAMESPACE = Namespace.create(FirestoreExtension.class);

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return decide(System.getProperty(MODE_PROPERTY, "optional"), FirestoreEmulator.isAvailable());
  }

  static ConditionEvaluationResult decide(String mode, boolean available) {
    if (!mode.equals("required") && !mode.equals("optional")) {
      throw new TestkitException(
          MODE_PROPERTY + " is \"" + mode + "\", expected \"required\" or \"optional\"");
    }
    if (available) {
      return ConditionEvaluationResult.enabled("a Firestore emulator is at hand");
    }
    if (mode.equals("required")) {
      throw new TestkitException(FirestoreEmulator.HOW_TO_GET);
    }
    return ConditionEvaluationResult.disabled(FirestoreEmulator.HOW_TO_GET);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == FirestoreEmulator.class || type == Firestore.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    // The emulator takes seconds to start, so the JVM has one; projects keep the classes apart.
    Store shared = context.getRoot().getStore(NAMESPACE);
    FirestoreEmulator emulator =
        ClassScope.get(shared, FirestoreEmulator.class, FirestoreEmulator::start);
    if (parameter.getParameter().getType() == FirestoreEmulator.class) {
      return emulator;
    }
    Store store = ClassScope.store(context, NAMESPACE);
    return ClassScope.get(
            store, Client.class, () -> new Client(emulator.openClient("test-" + UUID.randomUUID())))
        .client();
  }

  private record Client(Firestore client) implements AutoCloseable {
    @Override
    public void close() {
      client.shutdownNow();
    }
  }
}
