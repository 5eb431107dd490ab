-- Runs a command once. KEYS: the command's key, its marker. ARGV: how long the marker stays in ms, the command, what follows its key.
-- Returns 1 if it ran, 2 if the marker says that it did before.
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 2
end
-- Either it does all or, with an error, nothing; after a write Redis does not refuse another for want of memory.
local result = redis.pcall(ARGV[2], KEYS[1], unpack(ARGV, 3))
if type(result) == 'table' and result.err then
  return result
end
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return 1
