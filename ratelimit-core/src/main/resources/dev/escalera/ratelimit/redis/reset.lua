-- Fills a bucket. KEYS[1]: the bucket. A full bucket is one that does not exist.
return redis.call('DEL', KEYS[1])
