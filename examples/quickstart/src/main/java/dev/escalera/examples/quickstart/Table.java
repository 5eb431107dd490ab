package dev.escalera.examples.quickstart;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Rows of text in columns; numbers to the right. */
final class Table {
  private static final String GAP = "  ";
  private static final Pattern NUMBER = Pattern.compile("[0-9][0-9,.]*( ms| s)?");

  private final List<List<String>> rows = new ArrayList<>();

  Table row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  void print(PrintStream out) {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        line.append(i == 0 ? "" : GAP).append(pad(row.get(i), widths[i]));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static String pad(String cell, int width) {
    String spaces = " ".repeat(width - cell.length());
    return NUMBER.matcher(cell).matches() ? spaces + cell : cell + spaces;
  }
}
