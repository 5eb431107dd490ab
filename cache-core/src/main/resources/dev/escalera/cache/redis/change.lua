-- KEYS: value, claim, registry. ARGV: cache, hash and nonce; id of the call that waits for all nodes (empty: none); its node;
-- deadline in ms (empty: none); value (empty: none), its life in ms; run id of this server, if anyone waits.
-- Puts or drops the value, ends the claim and tells all nodes. Returns {0} after the deadline, else {1}, or to one that waits
-- {1, incarnation of the registry (zeros if it is of no use), node, number of its last renewal, ...}.
if ARGV[4] ~= '' then
  local time = redis.call('TIME')
  if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[4]) then
    return {0}
  end
end
-- A Redis that is out of memory refuses a SET, but nothing that follows a DEL.
if ARGV[5] ~= '' then
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
else
  redis.call('DEL', KEYS[1])
end
redis.call('DEL', KEYS[2])
local sequence = redis.call('HINCRBY', KEYS[3], 's', 1)
local incarnation = redis.call('HGET', KEYS[3], 'i')
if not incarnation then
  redis.call('PEXPIRE', KEYS[3], 86400000)
else
  local id = ARGV[2] ~= '' and ARGV[2] or '0000000000000000'
  redis.call('PUBLISH', 'escalera:cache:' .. incarnation,
    '2 ' .. string.format('%016x', sequence) .. ' ' .. ARGV[1] .. ' ' .. id .. ' ' .. ARGV[3])
end
if ARGV[2] == '' then
  return {1}
end
local reply = {1, incarnation or '0000000000000000'}
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 1) == 'n' then
    reply[#reply + 1] = string.sub(all[i], 2)
    reply[#reply + 1] = all[i + 1]
  elseif all[i] == 'r' and all[i + 1] ~= ARGV[7] then
    reply[2] = '0000000000000000'
  end
end
return reply
