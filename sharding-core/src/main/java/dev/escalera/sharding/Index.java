package dev.escalera.sharding;

/** The fields of a declared index. */
public final class Index {
  private Index() {}

  /**
   * Returns a field in ascending order.
   *
   * @param field its name
   * @return the field
   */
  public static Order asc(String field) {
    return new Order(field, Direction.ASCENDING);
  }

  /**
   * Returns a field in descending order.
   *
   * @param field its name
   * @return the field
   */
  public static Order desc(String field) {
    return new Order(field, Direction.DESCENDING);
  }
}
