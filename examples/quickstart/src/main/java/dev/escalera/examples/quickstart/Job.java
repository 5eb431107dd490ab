package dev.escalera.examples.quickstart;

import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.ConsoleProgress;
import dev.escalera.batch.RunOptions;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.HeaderProfile;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Partition;
import java.io.PrintStream;
import java.time.Duration;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/** What the quickstart does with a dashboard, step by step, and what it measures. */
final class Job {
  private static final int REQUESTS = 100;
  private static final int USERS = 4;
  private static final int CALLS = 25;

  private final Dashboard dashboard;
  private final PrintStream out;
  private final boolean terminal;
  private final Report report = new Report();

  Job(Dashboard dashboard, PrintStream out, boolean terminal) {
    this.dashboard = dashboard;
    this.out = out;
    this.terminal = terminal;
  }

  Report run(Iterator<Message> messages, OptionalLong count) {
    write(messages, count);
    overview();
    requests();
    limit();
    conversation();
    return report;
  }

  /** Bulk-writes the messages through the router, with progress. */
  private void write(Iterator<Message> messages, OptionalLong count) {
    Iterator<Document> documents =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return messages.hasNext();
          }

          @Override
          public Document next() {
            return Dashboard.document(messages.next());
          }
        };
    Timed<BatchReport> written =
        Timed.of(
            () -> {
              BatchRun run =
                  dashboard.writer().execute(documents, new RunOptions("writing messages", count));
              run.onProgress(
                  Duration.ofMillis(terminal ? 100 : 2_000), new ConsoleProgress(out, terminal));
              return run.join();
            });
    if (!written.value().allApplied()) {
      throw new IllegalStateException(
          "not all messages were stored: " + written.value().failures().get(0));
    }
    List<Partition> partitions = dashboard.router().partitions(Dashboard.MESSAGES);
    report.written(written, partitions);
  }

  /** Asks the heavy query cold, warm, and once more after an invalidation. */
  private void overview() {
    Timed<Overview> cold = Timed.of(dashboard::overview);
    Timed<Overview> warm = Timed.of(dashboard::overview);
    dashboard.invalidateOverview();
    Timed<Overview> again = Timed.of(dashboard::overview);
    report.overview(cold, warm, again);
  }

  /**
   * Makes the same requests without the cache and with it; recent months are asked for more often.
   */
  private void requests() {
    List<YearMonth> months = new ArrayList<>();
    for (Partition partition : report.partitions()) {
      months.add(YearMonth.parse(partition.name().replace('_', '-')));
    }
    Random random = new Random(1);
    List<YearMonth> asked =
        IntStream.range(0, REQUESTS)
            .mapToObj(
                i ->
                    months.get(
                        months.size()
                            - 1
                            - (int) (months.size() * Math.pow(random.nextDouble(), 4))))
            .toList();
    Timed<Long> before =
        Timed.of(
            () -> asked.stream().mapToLong(month -> dashboard.loadActivity(month).reads()).sum());
    Set<YearMonth> loaded = new HashSet<>();
    Timed<Long> after =
        Timed.of(
            () ->
                asked.stream()
                    .mapToLong(
                        month -> {
                          long reads = dashboard.activity(month).reads();
                          return loaded.add(month) ? reads : 0;
                        })
                    .sum());
    report.requests(REQUESTS, before, after, dashboard.hitRate());
  }

  /** Lets four users hammer an endpoint. */
  private void limit() {
    Map<String, String> headers = new HashMap<>();
    Timed<Integer> admitted =
        Timed.of(
            () -> {
              int allowed = 0;
              for (int call = 0; call < CALLS; call++) {
                for (int user = 0; user < USERS; user++) {
                  Decision decision =
                      dashboard.limiter().tryAcquire(Dashboard.ENDPOINT, "user-" + user);
                  allowed += decision.allowed() ? 1 : 0;
                  headers.putAll(decision.headers(HeaderProfile.DRAFT_11));
                }
              }
              return allowed;
            });
    report.limited(USERS, CALLS, admitted, headers);
  }

  /** Pages through the busiest conversation, over all partitions. */
  private void conversation() {
    Ranked busiest = report.overview().conversations().get(0);
    long[] seen = new long[2];
    Timed<Boolean> paged =
        Timed.of(
            () -> {
              dashboard.conversation(
                  busiest.name(),
                  page -> {
                    seen[0]++;
                    seen[1] += page.items().size();
                  });
              return true;
            });
    report.conversation(busiest, seen[0], seen[1], paged);
  }
}
