package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardedCollection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A query as plans: one, or one a value that a field may have by IN; no document is in two of them.
 *
 * @param plans what is asked
 * @param orders the order of the whole, without fields that equal one value
 * @param idDirection which way ids break ties
 * @param in the field that is compared by IN
 */
record Selection(List<Plan> plans, List<Order> orders, Direction idDirection, Optional<String> in) {

  /**
   * Throws IllegalArgumentException if the conditions do not fit together, or no index serves them.
   *
   * @param backwards whether all goes the other way round, as for the page before a cursor
   */
  static Selection of(ShardedCollection collection, ShardQuery query, boolean backwards) {
    return new Parts(query, backwards).selection(collection);
  }

  /** Returns the values of the order fields of a row. */
  List<@Nullable Object> values(Row row) {
    List<@Nullable Object> values = new ArrayList<>();
    orders.forEach(order -> values.add(row.fields().get(order.field())));
    return values;
  }

  /** Returns where one of the plans goes on behind a row; empty if nothing of it comes behind. */
  Optional<After> after(
      Plan plan, List<? extends @Nullable Object> values, String id, boolean inclusive) {
    int at = in.isEmpty() ? -1 : fields().indexOf(in.get());
    if (at < 0) {
      return Optional.of(new After(values, Optional.of(id), inclusive));
    }
    Direction direction = orders.get(at).direction();
    int order =
        Arrays.compareUnsigned(
            new OrderKey().add(plan.equal().get(in.get()), direction).toBytes(),
            new OrderKey().add(values.get(at), direction).toBytes());
    if (order == 0) {
      List<@Nullable Object> others = new ArrayList<>(values);
      others.remove(at);
      return Optional.of(new After(others, Optional.of(id), inclusive));
    }
    if (at == 0) {
      return order < 0
          ? Optional.empty()
          : Optional.of(new After(List.of(), Optional.empty(), true));
    }
    // Of what has the same values before the field, all is behind the row, or nothing.
    return Optional.of(new After(values.subList(0, at), Optional.empty(), order > 0));
  }

  private List<String> fields() {
    return orders.stream().map(Order::field).toList();
  }

  /** The conditions of a query, by their kind. */
  private static final class Parts {
    final Map<String, @Nullable Object> equal = new LinkedHashMap<>();
    final Map<String, @Nullable Object> contains = new LinkedHashMap<>();
    final List<Condition> ranges = new ArrayList<>();
    final List<Order> orders;
    final Direction ids;
    Optional<Condition> in = Optional.empty();

    Parts(ShardQuery query, boolean backwards) {
      for (Condition condition : query.conditions()) {
        switch (condition.operator()) {
          case EQUAL -> once(equal, condition);
          case ARRAY_CONTAINS -> once(contains, condition);
          case IN -> {
            if (in.isPresent()) {
              throw new IllegalArgumentException(
                  "fields \""
                      + in.get().field()
                      + "\" and \""
                      + condition.field()
                      + "\" are compared by IN, expected one at most");
            }
            in = Optional.of(condition);
          }
          default -> ranges.add(condition);
        }
      }
      if (contains.size() > 1) {
        throw new IllegalArgumentException(
            "fields "
                + contains.keySet()
                + " are compared by ARRAY_CONTAINS, expected one at most");
      }
      checkDisjoint();
      List<Order> forwards = orders(query);
      // As in Firestore: ids go the way of the last field, even if that one equals a value.
      Direction last =
          query.orders().isEmpty()
              ? Direction.ASCENDING
              : query.orders().get(query.orders().size() - 1).direction();
      orders = backwards ? forwards.stream().map(Parts::turned).toList() : forwards;
      ids = backwards ? turned(last) : last;
    }

    Selection selection(ShardedCollection collection) {
      if (in.isEmpty()) {
        return new Selection(
            List.of(plan(collection, equal, orders)), orders, ids, Optional.empty());
      }
      String field = in.get().field();
      List<Order> others = orders.stream().filter(o -> !o.field().equals(field)).toList();
      List<Plan> plans = new ArrayList<>();
      for (Object value : distinct(in.get())) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>(equal);
        all.put(field, value);
        plans.add(plan(collection, all, others));
      }
      return new Selection(plans, orders, ids, Optional.of(field));
    }

    private static Order turned(Order order) {
      return new Order(order.field(), turned(order.direction()));
    }

    private static Direction turned(Direction direction) {
      return direction == Direction.ASCENDING ? Direction.DESCENDING : Direction.ASCENDING;
    }

    private static void once(Map<String, @Nullable Object> values, Condition condition) {
      if (values.containsKey(condition.field())) {
        throw new IllegalArgumentException(
            "field \""
                + condition.field()
                + "\" is compared with "
                + condition.operator()
                + " twice");
      }
      values.put(condition.field(), condition.value());
    }

    private void checkDisjoint() {
      Set<String> fields = new HashSet<>(equal.keySet());
      Set<String> ranged = ranges.stream().map(Condition::field).collect(Collectors.toSet());
      if (ranged.size() > 1) {
        throw new IllegalArgumentException(
            "fields " + ranged + " are compared by order, expected one field at most");
      }
      List<String> others = new ArrayList<>(contains.keySet());
      in.ifPresent(condition -> others.add(condition.field()));
      others.addAll(ranged);
      for (String field : others) {
        if (!fields.add(field)) {
          throw new IllegalArgumentException(
              "field \"" + field + "\" is compared in two ways, expected one, or by order only");
        }
      }
    }

    private List<Order> orders(ShardQuery query) {
      List<Order> given =
          query.orders().stream()
              .filter(order -> !equal.containsKey(order.field()))
              .collect(Collectors.toList());
      if (given.stream().map(Order::field).distinct().count() < given.size()) {
        throw new IllegalArgumentException("the order names a field twice: " + given);
      }
      for (String field : contains.keySet()) {
        if (given.stream().anyMatch(order -> order.field().equals(field))) {
          throw new IllegalArgumentException(
              "field \"" + field + "\" is compared by ARRAY_CONTAINS and in the order");
        }
      }
      for (Condition range : ranges) {
        if (given.isEmpty()) {
          given.add(new Order(range.field(), Direction.ASCENDING));
        } else if (!given.get(0).field().equals(range.field())) {
          throw new IllegalArgumentException(
              "field \""
                  + range.field()
                  + "\" is compared by order, but the first of the order is \""
                  + given.get(0).field()
                  + "\"");
        }
      }
      return given;
    }

    private Plan plan(
        ShardedCollection collection, Map<String, @Nullable Object> values, List<Order> others) {
      if (!others.isEmpty() && others.get(others.size() - 1).direction() != ids) {
        throw new IllegalArgumentException(
            "ids go the way of the last field of the order, which is compared with a value; order"
                + " that one as the field before it, or leave it out");
      }
      if (values.isEmpty() && contains.isEmpty() && others.isEmpty()) {
        return new Plan(
            values, contains, ranges, others, ids, List.of(), ids == Direction.DESCENDING);
      }
      for (List<IndexField> index : collection.indexes()) {
        for (boolean reversed : new boolean[] {false, true}) {
          if (serves(index, values, others, reversed)) {
            // All fields of the index may be fixed: then ids alone say which way it is read.
            boolean backwards = others.isEmpty() ? ids != Plan.idDirection(index) : reversed;
            return new Plan(values, contains, ranges, others, ids, index, backwards);
          }
        }
      }
      throw missing(collection, values, others);
    }

    private boolean serves(
        List<IndexField> index,
        Map<String, @Nullable Object> values,
        List<Order> others,
        boolean reversed) {
      int fixed = values.size() + contains.size();
      if (index.size() != fixed + others.size()) {
        return false;
      }
      for (int i = 0; i < index.size(); i++) {
        IndexField field = index.get(i);
        boolean fits =
            i < fixed
                ? (field.kind() == IndexField.Kind.CONTAINS ? contains : values)
                    .containsKey(field.field())
                : ordered(field, others.get(i - fixed), reversed);
        if (!fits) {
          return false;
        }
      }
      return true;
    }

    private static boolean ordered(IndexField field, Order order, boolean reversed) {
      return field.kind() != IndexField.Kind.CONTAINS
          && field.field().equals(order.field())
          && ((field.kind() == IndexField.Kind.ASCENDING)
                  == (order.direction() == Direction.ASCENDING))
              != reversed;
    }

    private IllegalArgumentException missing(
        ShardedCollection collection, Map<String, @Nullable Object> values, List<Order> others) {
      List<String> fields = new ArrayList<>();
      contains.keySet().forEach(field -> fields.add("contains(\"" + field + "\")"));
      values.keySet().forEach(field -> fields.add("asc(\"" + field + "\")"));
      others.forEach(
          order ->
              fields.add(
                  (order.direction() == Direction.ASCENDING ? "asc" : "desc")
                      + "(\""
                      + order.field()
                      + "\")"));
      return new IllegalArgumentException(
          "no index of collection \""
              + collection.name()
              + "\" serves this query; declare .index("
              + String.join(", ", fields)
              + ")");
    }

    /** Returns the values of IN; of those that are equal, as 1 and 1.0, one. */
    private static List<Object> distinct(Condition condition) {
      TreeMap<byte[], Object> distinct = new TreeMap<>(Arrays::compareUnsigned);
      if (condition.value() instanceof List<?> values) {
        values.forEach(
            value ->
                distinct.putIfAbsent(
                    new OrderKey().add(value, Direction.ASCENDING).toBytes(), value));
      }
      return List.copyOf(distinct.values());
    }
  }
}
