package dev.escalera.batch.internal;

import java.util.ArrayList;
import java.util.List;

/**
 * A batch on its way.
 *
 * @param lane that it is of
 * @param operations that it is made of
 * @param sent when it went out
 */
record Batch<P>(Lane<P> lane, List<Operation<P>> operations, long sent) {
  List<P> payloads() {
    List<P> payloads = new ArrayList<>(operations.size());
    operations.forEach(operation -> payloads.add(operation.prepared.payload()));
    return payloads;
  }

  /** Lets the pace learn from what came back. */
  void teach(Pace pace, Answer answer, long now) {
    int size = 0;
    int applied = 0;
    int overloaded = 0;
    for (int i = 0; i < operations.size(); i++) {
      int weight = operations.get(i).prepared.weight();
      Reply.Outcome outcome = answer.to(i).outcome();
      size += weight;
      applied +=
          outcome == Reply.Outcome.APPLIED || outcome == Reply.Outcome.ALREADY_APPLIED ? weight : 0;
      overloaded += outcome == Reply.Outcome.OVERLOADED ? weight : 0;
    }
    pace.answered(now, now - sent, size, applied, overloaded);
  }
}
