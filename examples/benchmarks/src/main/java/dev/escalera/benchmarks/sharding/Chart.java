package dev.escalera.benchmarks.sharding;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A chart of lines over numbers that double, in milliseconds on a logarithmic scale, as SVG. */
final class Chart {
  private static final int WIDTH = 680;
  private static final int HEIGHT = 360;
  private static final int LEFT = 60;
  private static final int RIGHT = 500;
  private static final int TOP = 40;
  private static final int BOTTOM = 310;
  private static final List<String> COLOURS = List.of("#c2410c", "#f59e0b", "#1d4ed8", "#60a5fa");

  private final String title;
  private final String across;
  private final List<Integer> numbers;
  private final Map<String, List<Double>> lines = new LinkedHashMap<>();

  Chart(String title, String across, List<Integer> numbers) {
    this.title = title;
    this.across = across;
    this.numbers = numbers;
  }

  /** Adds a line: a figure for each of the numbers. */
  Chart line(String name, List<Double> millis) {
    lines.put(name, millis);
    return this;
  }

  String toSvg() {
    double most = lines.values().stream().flatMap(List::stream).mapToDouble(x -> x).max().orElse(1);
    double least =
        lines.values().stream().flatMap(List::stream).mapToDouble(x -> x).min().orElse(1);
    int lowest = (int) Math.floor(Math.log10(least));
    int highest = Math.max(lowest + 1, (int) Math.ceil(Math.log10(most)));
    StringBuilder svg = new StringBuilder();
    add(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
            + " font-size=\"12\">",
        WIDTH,
        HEIGHT);
    add(svg, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>", WIDTH, HEIGHT);
    add(svg, "<text x=\"%d\" y=\"22\" font-size=\"14\">%s</text>", LEFT, title);
    for (int power = lowest; power <= highest; power++) {
      double y = y(Math.pow(10, power), lowest, highest);
      add(
          svg,
          "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#d4d4d4\"/>",
          LEFT,
          y,
          RIGHT,
          y);
      add(
          svg,
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s ms</text>",
          LEFT - 6,
          y + 4,
          power >= 0 ? "%.0f".formatted(Math.pow(10, power)) : "0.1");
    }
    for (int i = 0; i < numbers.size(); i++) {
      add(
          svg,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>",
          x(i),
          BOTTOM + 18,
          numbers.get(i));
    }
    add(
        svg,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
        (LEFT + RIGHT) / 2,
        BOTTOM + 38,
        across);
    int place = 0;
    for (Map.Entry<String, List<Double>> line : lines.entrySet()) {
      draw(svg, line.getKey(), line.getValue(), COLOURS.get(place++), lowest, highest);
    }
    return svg.append("</svg>\n").toString();
  }

  private void draw(
      StringBuilder svg, String name, List<Double> millis, String colour, int lowest, int highest) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < millis.size(); i++) {
      double y = y(millis.get(i), lowest, highest);
      points.append("%.1f,%.1f ".formatted(x(i), y));
      add(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x(i), y, colour);
    }
    add(
        svg,
        "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>",
        points.toString().strip(),
        colour);
    add(
        svg,
        "<text x=\"%d\" y=\"%.1f\" fill=\"%s\">%s</text>",
        RIGHT + 8,
        y(millis.get(millis.size() - 1), lowest, highest) + 4,
        colour,
        name);
  }

  private double x(int place) {
    return LEFT + 20 + (RIGHT - LEFT - 40.0) * place / Math.max(1, numbers.size() - 1);
  }

  private static double y(double millis, int lowest, int highest) {
    return BOTTOM - (BOTTOM - TOP) * (Math.log10(millis) - lowest) / (highest - lowest);
  }

  private static void add(StringBuilder svg, String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
