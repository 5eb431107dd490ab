package dev.escalera.sharding.firestore;

import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.ShardedCollection;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The file {@code firestore.indexes.json} of Firebase's tools. */
final class IndexFile {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_][A-Za-z_0-9]*");

  private IndexFile() {}

  static String of(List<ShardedCollection> collections) {
    Set<String> indexes = new LinkedHashSet<>();
    List<String> overrides = new ArrayList<>();
    for (ShardedCollection collection : collections) {
      for (List<IndexField> index : collection.indexes()) {
        // Firestore keeps those of one field by itself.
        if (index.size() > 1) {
          indexes.add(index(collection, index, false));
          indexes.add(index(collection, index, true));
        }
      }
      overrides.add(
          "    {\"collectionGroup\": "
              + quoted(collection.name())
              + ", \"fieldPath\": "
              + quoted(Marks.NAME)
              + ", \"indexes\": []}");
    }
    return "{\n  \"indexes\": [\n"
        + String.join(",\n", indexes)
        + "\n  ],\n  \"fieldOverrides\": [\n"
        + String.join(",\n", overrides)
        + "\n  ]\n}\n";
  }

  private static String index(
      ShardedCollection collection, List<IndexField> index, boolean turned) {
    return "    {\"collectionGroup\": "
        + quoted(collection.name())
        + ", \"queryScope\": \"COLLECTION\", \"fields\": [\n      "
        + index.stream().map(field -> field(field, turned)).collect(Collectors.joining(",\n      "))
        + "]}";
  }

  private static String field(IndexField field, boolean turned) {
    String how =
        field.kind() == IndexField.Kind.CONTAINS
            ? "\"arrayConfig\": \"CONTAINS\""
            : (field.kind() == IndexField.Kind.ASCENDING) != turned
                ? "\"order\": \"ASCENDING\""
                : "\"order\": \"DESCENDING\"";
    return "{\"fieldPath\": " + quoted(path(field.field())) + ", " + how + "}";
  }

  /** Returns the path of a field whose name is no path: in backticks, unless it is plain. */
  private static String path(String name) {
    return PLAIN.matcher(name).matches()
        ? name
        : "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`";
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted
            .append("\\u00")
            .append(Character.forDigit(c >> 4, 16))
            .append(Character.forDigit(c & 15, 16));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
