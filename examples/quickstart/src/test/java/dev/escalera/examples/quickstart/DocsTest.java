package dev.escalera.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the documents to the code: what they show is compiled, what they link to is there. */
class DocsTest {
  private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
  private static final Pattern JAVA_BLOCK =
      Pattern.compile("^```java\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("\\]\\((?!https?:)([^)#]+)(#[^)]*)?\\)");

  @Test
  void every_java_block_stands_in_a_source_that_is_compiled() throws IOException {
    List<String> sources = new ArrayList<>();
    for (Path source : files(".java")) {
      sources.add(lines(Files.readString(source)));
    }
    int blocks = 0;
    for (Path document : files(".md")) {
      Matcher block = JAVA_BLOCK.matcher(Files.readString(document));
      while (block.find()) {
        blocks++;
        String wanted = lines(block.group(1));
        assertThat(sources.stream().anyMatch(source -> source.contains(wanted)))
            .as("a source holds the lines of %s:%n%s", ROOT.relativize(document), block.group(1))
            .isTrue();
      }
    }
    assertThat(blocks).isPositive();
  }

  @Test
  void every_link_between_files_leads_somewhere() throws IOException {
    for (Path document : files(".md")) {
      Matcher link = LINK.matcher(Files.readString(document));
      while (link.find()) {
        assertThat(document.resolveSibling(link.group(1)).normalize())
            .as("linked from %s", ROOT.relativize(document))
            .exists();
      }
    }
  }

  @Test
  void the_readme_starts_with_the_two_commands() throws IOException {
    Matcher block =
        Pattern.compile("^```(\\w+)\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(Files.readString(ROOT.resolve("README.md")));
    assertThat(block.find()).isTrue();
    assertThat(block.group(1)).isEqualTo("sh");
    assertThat(block.group(2).lines())
        .satisfiesExactly(
            run -> assertThat(run).contains("quickstart.jar"),
            test -> assertThat(test).isEqualTo("mvn verify"));
  }

  /** The text without indentation and blank lines, which say nothing about whether it compiles. */
  private static String lines(String text) {
    return text.lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .collect(Collectors.joining("\n", "\n", "\n"));
  }

  private static List<Path> files(String suffix) throws IOException {
    try (Stream<Path> all = Files.walk(ROOT)) {
      return all.filter(file -> file.getFileName().toString().endsWith(suffix))
          .filter(file -> !file.toString().contains("/target/"))
          .toList();
    }
  }
}
