package dev.escalera.sharding;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * All documents of a query, a page in memory and the next one under way. For one thread at a time.
 */
final class QueryIterator implements Iterator<Document> {
  private final ShardRouter router;
  private final ShardQuery query;
  private Iterator<Document> page;
  private @Nullable CompletionStage<Page> next;

  QueryIterator(ShardRouter router, ShardQuery query) {
    this.router = router;
    this.query = query;
    this.page = begin(router.query(query));
  }

  @Override
  public boolean hasNext() {
    while (!page.hasNext()) {
      CompletionStage<Page> asked = next;
      if (asked == null) {
        return false;
      }
      page = begin(Waiting.on("query " + query.collection(), asked));
    }
    return true;
  }

  @Override
  public Document next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the query selects no more");
    }
    return page.next();
  }

  private Iterator<Document> begin(Page read) {
    Optional<String> cursor = read.next();
    next = cursor.isPresent() ? router.queryAsync(query.after(cursor.get())) : null;
    return read.items().iterator();
  }
}
