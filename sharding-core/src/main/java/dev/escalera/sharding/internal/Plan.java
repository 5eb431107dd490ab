package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Operator;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardedCollection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A query as it is asked of each bucket, and the index that serves it.
 *
 * @param equal the fields that must equal a value
 * @param ranges the conditions on the first field of the order
 * @param orders the order, without fields that are equal anyway
 * @param idDirection which way the id breaks ties: as the last field of the order, as in Firestore
 * @param index the fields of the index; none for the order by id
 * @param reversed whether the index is read from its end
 */
public record Plan(
    Map<String, @Nullable Object> equal,
    List<Condition> ranges,
    List<Order> orders,
    Direction idDirection,
    List<Order> index,
    boolean reversed) {

  static Plan of(ShardedCollection collection, ShardQuery query) {
    Map<String, @Nullable Object> equal = new LinkedHashMap<>();
    List<Condition> ranges = new ArrayList<>();
    for (Condition condition : query.conditions()) {
      if (condition.operator() != Operator.EQUAL) {
        ranges.add(condition);
      } else if (equal.containsKey(condition.field())) {
        throw new IllegalArgumentException(
            "field \"" + condition.field() + "\" is compared with EQUAL twice");
      } else {
        equal.put(condition.field(), condition.value());
      }
    }
    List<Order> orders = orders(query, equal, ranges);
    Direction last =
        orders.isEmpty() ? Direction.ASCENDING : orders.get(orders.size() - 1).direction();
    return withIndex(collection, equal, ranges, orders, last);
  }

  private static List<Order> orders(
      ShardQuery query, Map<String, @Nullable Object> equal, List<Condition> ranges) {
    Set<String> rangeFields = ranges.stream().map(Condition::field).collect(Collectors.toSet());
    if (rangeFields.size() > 1) {
      throw new IllegalArgumentException(
          "fields " + rangeFields + " are compared by order, expected one field at most");
    }
    List<Order> orders =
        query.orders().stream()
            .filter(order -> !equal.containsKey(order.field()))
            .collect(Collectors.toList());
    if (orders.stream().map(Order::field).distinct().count() < orders.size()) {
      throw new IllegalArgumentException("the order names a field twice: " + orders);
    }
    for (String field : rangeFields) {
      if (equal.containsKey(field)) {
        throw new IllegalArgumentException(
            "field \"" + field + "\" is compared with EQUAL and by order");
      }
      if (orders.isEmpty()) {
        orders.add(new Order(field, Direction.ASCENDING));
      } else if (!orders.get(0).field().equals(field)) {
        throw new IllegalArgumentException(
            "field \""
                + field
                + "\" is compared by order, but the first of the order is \""
                + orders.get(0).field()
                + "\"");
      }
    }
    return orders;
  }

  private static Plan withIndex(
      ShardedCollection collection,
      Map<String, @Nullable Object> equal,
      List<Condition> ranges,
      List<Order> orders,
      Direction idDirection) {
    if (equal.isEmpty() && orders.isEmpty()) {
      return new Plan(equal, ranges, orders, idDirection, List.of(), false);
    }
    for (List<Order> index : collection.indexes()) {
      if (serves(index, equal, orders, false)) {
        return new Plan(
            equal, ranges, orders, idDirection, index, idDirection != idDirection(index));
      }
      if (serves(index, equal, orders, true)) {
        return new Plan(equal, ranges, orders, idDirection, index, true);
      }
    }
    List<Order> missing = new ArrayList<>();
    equal.keySet().forEach(field -> missing.add(new Order(field, Direction.ASCENDING)));
    missing.addAll(orders);
    throw new IllegalArgumentException(
        "no index of collection \""
            + collection.name()
            + "\" serves this query; declare .index("
            + missing.stream()
                .map(
                    order ->
                        (order.direction() == Direction.ASCENDING ? "asc" : "desc")
                            + "(\""
                            + order.field()
                            + "\")")
                .collect(Collectors.joining(", "))
            + ")");
  }

  private static boolean serves(
      List<Order> index,
      Map<String, @Nullable Object> equal,
      List<Order> orders,
      boolean reversed) {
    if (index.size() != equal.size() + orders.size()) {
      return false;
    }
    for (int i = 0; i < index.size(); i++) {
      Order field = index.get(i);
      boolean fits =
          i < equal.size()
              ? equal.containsKey(field.field())
              : field.field().equals(orders.get(i - equal.size()).field())
                  && (field.direction() == orders.get(i - equal.size()).direction()) != reversed;
      if (!fits) {
        return false;
      }
    }
    return true;
  }

  /** Which way ids go in an index. */
  static Direction idDirection(List<Order> index) {
    return index.isEmpty() ? Direction.ASCENDING : index.get(index.size() - 1).direction();
  }

  /** Returns where a document stands in an index; empty if it lacks a field of it. */
  public static Optional<byte[]> member(List<Order> index, Document document) {
    OrderKey key = new OrderKey();
    for (Order order : index) {
      if (!document.fields().containsKey(order.field())) {
        return Optional.empty();
      }
      key.add(document.fields().get(order.field()), order.direction());
    }
    return Optional.of(key.addName(document.id(), idDirection(index)).toBytes());
  }

  /** Returns the values of the order fields of a document. */
  public List<@Nullable Object> values(Document document) {
    List<@Nullable Object> values = new ArrayList<>();
    orders.forEach(order -> values.add(document.fields().get(order.field())));
    return values;
  }

  /** Returns the range of the index that holds what is wanted, in the index's own order. */
  public LexRange range(Optional<After> after) {
    OrderKey prefix = new OrderKey();
    for (int i = 0; i < equal.size(); i++) {
      prefix.add(equal.get(index.get(i).field()), index.get(i).direction());
    }
    LexRange range = LexRange.startingWith(prefix.toBytes());
    for (Condition condition : ranges) {
      range =
          range.and(LexRange.of(prefix.toBytes(), index.get(equal.size()).direction(), condition));
    }
    if (after.isPresent()) {
      After last = after.get();
      OrderKey key = new OrderKey();
      for (int i = 0; i < index.size(); i++) {
        Order order = index.get(i);
        key.add(
            i < equal.size() ? equal.get(order.field()) : last.values().get(i - equal.size()),
            order.direction());
      }
      byte[] member = key.addName(last.id(), idDirection(index)).toBytes();
      range =
          range.and(
              reversed
                  ? LexRange.before(member, last.inclusive())
                  : LexRange.after(member, last.inclusive()));
    }
    return range;
  }
}
