package dev.escalera.examples.quickstart;

import java.util.List;

/** All messages at a glance: how many there are, whose, and where. */
record Overview(long messages, List<Ranked> authors, List<Ranked> conversations, long reads) {}
