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
  public static IndexField asc(String field) {
    return new IndexField(field, IndexField.Kind.ASCENDING);
  }

  /**
   * Returns a field in descending order.
   *
   * @param field its name
   * @return the field
   */
  public static IndexField desc(String field) {
    return new IndexField(field, IndexField.Kind.DESCENDING);
  }

  /**
   * Returns a field whose list is looked into, element by element.
   *
   * @param field its name
   * @return the field
   */
  public static IndexField contains(String field) {
    return new IndexField(field, IndexField.Kind.CONTAINS);
  }
}
