package dev.escalera.examples.quickstart;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;

/** Turns a line of NDJSON into a message. */
final class MessageParser {
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private MessageParser() {}

  /** A line that holds no message; says what is wrong with it. */
  static final class BadLineException extends Exception {
    private static final long serialVersionUID = 1L;

    BadLineException(String problem) {
      super(problem);
    }
  }

  static Message parse(String line) throws BadLineException {
    JsonNode node = json(line);
    if (!node.isObject()) {
      throw new BadLineException("not a JSON object");
    }
    return new Message(
        filled(node, "id"),
        instant(filled(node, "createdAt")),
        filled(node, "userId"),
        filled(node, "conversationId"),
        text(node, "content"));
  }

  private static JsonNode json(String line) throws BadLineException {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new BadLineException(
          "not JSON: " + e.getOriginalMessage().lines().findFirst().orElse("empty"));
    }
  }

  private static String text(JsonNode node, String field) throws BadLineException {
    JsonNode value = node.get(field);
    if (value == null) {
      throw new BadLineException("field \"" + field + "\" is missing");
    }
    if (!value.isTextual()) {
      throw new BadLineException("field \"" + field + "\" is not a string");
    }
    return value.textValue();
  }

  private static String filled(JsonNode node, String field) throws BadLineException {
    String value = text(node, field);
    if (value.isEmpty()) {
      throw new BadLineException("field \"" + field + "\" is empty");
    }
    return value;
  }

  private static Instant instant(String text) throws BadLineException {
    try {
      // The stores keep microseconds.
      return OffsetDateTime.parse(text).toInstant().truncatedTo(ChronoUnit.MICROS);
    } catch (DateTimeParseException e) {
      throw new BadLineException(
          "field \"createdAt\" is \""
              + text.lines().findFirst().orElse("")
              + "\", expected a time such as 2026-01-31T09:30:00Z");
    }
  }
}
