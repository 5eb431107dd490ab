package dev.escalera.testkit;

import java.util.function.Supplier;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;

/** What one top-level test class shares; JUnit closes it after the class, the last opened first. */
final class ClassScope {
  private ClassScope() {}

  static Store store(ExtensionContext context, Namespace namespace) {
    ExtensionContext topLevel = context;
    for (ExtensionContext up = context;
        up != context.getRoot();
        up = up.getParent().orElseThrow()) {
      // Nested classes use the servers of the class around them.
      if (up.getTestClass().isPresent()) {
        topLevel = up;
      }
    }
    return topLevel.getStore(namespace);
  }

  static <T> T get(Store store, Class<T> type, Supplier<? extends T> create) {
    return store.computeIfAbsent(type, key -> create.get(), type);
  }
}
