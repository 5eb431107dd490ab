-- Writes one document. KEYS[1]: its hash. ARGV[1]: set, merge, create, update, delete or increment; then fields and values.
-- Every document has the field '' besides its own, so that one without fields exists too. All checks come before any write.
local kind, key = ARGV[1], KEYS[1]
if kind == 'delete' then
  return redis.call('DEL', key)
end
if kind == 'create' and redis.call('EXISTS', key) == 1 then
  return redis.error_reply('EXISTS the document exists')
end
if kind == 'update' and redis.call('EXISTS', key) == 0 then
  return redis.error_reply('MISSING the document does not exist')
end
if kind == 'increment' then
  local result = redis.pcall('HINCRBY', key, ARGV[2], ARGV[3])
  if type(result) == 'table' and result.err then
    return result
  end
  redis.call('HSET', key, '', '')
  return result
end
-- First of all a write that Redis refuses when it is out of memory; DEL it would not refuse.
redis.call('HSET', key, '', '')
if kind == 'set' then
  redis.call('DEL', key)
  redis.call('HSET', key, '', '')
end
-- unpack has a limit, a document may have more fields.
for i = 2, #ARGV, 1000 do
  redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
return 1
