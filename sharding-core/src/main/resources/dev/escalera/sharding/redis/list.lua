-- Returns the version of the catalog and, if it is none that is known, bucket and entry by turns. KEYS[1]: the catalog. ARGV[1]: the known version.
local version = redis.call('HGET', KEYS[1], ':version') or '0'
if version == ARGV[1] then
  return {version}
end
local all = redis.call('HGETALL', KEYS[1])
table.insert(all, 1, version)
return all
