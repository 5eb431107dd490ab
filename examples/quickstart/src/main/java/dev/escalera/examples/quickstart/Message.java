package dev.escalera.examples.quickstart;

import java.time.Instant;

/** A chat message. */
record Message(
    String id, Instant createdAt, String userId, String conversationId, String content) {}
