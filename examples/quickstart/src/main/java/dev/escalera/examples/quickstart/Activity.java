package dev.escalera.examples.quickstart;

import java.util.List;

/** The latest messages of a month. */
record Activity(List<Item> items, long reads) {
  /** What the dashboard shows of a message. */
  record Item(String id, String createdAt, String userId, String conversationId) {}
}
