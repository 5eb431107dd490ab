-- KEYS: registry. ARGV: node (empty: none), number of the renewal, nonce of a fresh incarnation.
-- Registers a node; returns {incarnation, sequence, time in ms}. A server that was started or promoted since has a registry of its own.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local known = redis.call('HMGET', KEYS[1], 'i', 'r', 's')
if not known[1] or known[2] ~= run then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'i', ARGV[3], 'r', run)
  known = {ARGV[3], run, false}
end
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], 86400000)
local time = redis.call('TIME')
return {known[1], known[3] or '0', time[1] * 1000 + math.floor(time[2] / 1000)}
