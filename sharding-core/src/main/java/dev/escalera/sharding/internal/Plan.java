package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.Order;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of each bucket, and the index that serves it.
 *
 * @param equal the fields that must equal a value
 * @param contains the fields, one at most, of whose list an element must equal a value
 * @param ranges the conditions on the first field of the order
 * @param orders the order, without fields that are equal anyway
 * @param idDirection which way the id breaks ties: as the last field of the order, as in Firestore
 * @param index the fields of the index; none for the order by id
 * @param reversed whether the index is read from its end
 */
public record Plan(
    Map<String, @Nullable Object> equal,
    Map<String, @Nullable Object> contains,
    List<Condition> ranges,
    List<Order> orders,
    Direction idDirection,
    List<IndexField> index,
    boolean reversed) {

  /** Returns where a row stands in an index, once an element of a list that is looked into. */
  public static List<byte[]> members(List<IndexField> index, Row row) {
    List<OrderKey> keys = List.of(new OrderKey());
    for (IndexField field : index) {
      if (!row.fields().containsKey(field.field())) {
        return List.of();
      }
      @Nullable Object value = row.fields().get(field.field());
      if (field.kind() != IndexField.Kind.CONTAINS) {
        keys.forEach(key -> key.add(value, direction(field)));
      } else if (value instanceof List<?> list) {
        keys = each(keys.get(0), list);
      } else {
        return List.of();
      }
    }
    return keys.stream().map(key -> key.addName(row.id(), idDirection(index)).toBytes()).toList();
  }

  /** Returns the range of the index that holds what is wanted, in the index's own order. */
  public LexRange range(Optional<After> after) {
    int fixed = equal.size() + contains.size();
    byte[] prefix = prefix(fixed).toBytes();
    LexRange range = LexRange.startingWith(prefix);
    for (Condition condition : ranges) {
      range = range.and(LexRange.of(prefix, direction(index.get(fixed)), condition));
    }
    if (after.isPresent()) {
      After last = after.get();
      OrderKey key = prefix(fixed);
      for (int i = 0; i < last.values().size(); i++) {
        key.add(last.values().get(i), direction(index.get(fixed + i)));
      }
      last.id().ifPresent(id -> key.addName(id, idDirection(index)));
      byte[] member = key.toBytes();
      range =
          range.and(
              reversed
                  ? LexRange.before(member, last.inclusive())
                  : LexRange.after(member, last.inclusive()));
    }
    return range;
  }

  /** Which way ids go in an index. */
  static Direction idDirection(List<IndexField> index) {
    return index.isEmpty() ? Direction.ASCENDING : direction(index.get(index.size() - 1));
  }

  private static Direction direction(IndexField field) {
    return field.kind() == IndexField.Kind.DESCENDING ? Direction.DESCENDING : Direction.ASCENDING;
  }

  private OrderKey prefix(int fixed) {
    OrderKey prefix = new OrderKey();
    for (IndexField field : index.subList(0, fixed)) {
      Map<String, @Nullable Object> values =
          field.kind() == IndexField.Kind.CONTAINS ? contains : equal;
      prefix.add(values.get(field.field()), direction(field));
    }
    return prefix;
  }

  /** Returns what begins with {@code start}, and goes on with an element each; equal ones once. */
  private static List<OrderKey> each(OrderKey start, List<?> elements) {
    TreeSet<byte[]> distinct = new TreeSet<>(Arrays::compareUnsigned);
    elements.forEach(
        element -> distinct.add(new OrderKey().add(element, Direction.ASCENDING).toBytes()));
    List<OrderKey> keys = new ArrayList<>(distinct.size());
    distinct.forEach(element -> keys.add(new OrderKey().addRaw(start).addRaw(element)));
    return keys;
  }
}
