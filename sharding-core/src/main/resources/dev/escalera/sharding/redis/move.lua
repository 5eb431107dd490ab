-- Takes a document out of one bucket and puts it, changed, into another or the same, if both fences admit the writer, it is as it was, and none of the
-- new id is there. Both buckets lie in one slot, or on one server that is no cluster. What is stored is told in put.lua.
-- KEYS[1], KEYS[2]: documents and fence of the one. KEYS[3], KEYS[4], KEYS[5]: documents, fence and names of the complete indexes of the other.
-- ARGV[1], ARGV[2]: what the one's fence that admits begins with, and the id. ARGV[3]: the bytes that must be there. ARGV[4], ARGV[5]: as the first two,
-- of the other. ARGV[6]: the new bytes. ARGV[7]: the names of the indexes that the writer keeps. Then name and member of each place in an index.
-- Returns 'done', 'changed', 'occupied', or 'fenced', 'from' or 'to', and the fence.
local from, to = KEYS[1], KEYS[3]
local fence = redis.call('GET', KEYS[2])
if not fence or string.sub(fence, 1, #ARGV[1]) ~= ARGV[1] then
  return 'fencedfrom' .. (fence or '')
end
fence = redis.call('GET', KEYS[4])
if not fence or string.sub(fence, 1, #ARGV[4]) ~= ARGV[4] then
  return 'fencedto' .. (fence or '')
end
local stored = redis.call('HGET', from, ARGV[2])
local old = stored and cmsgpack.unpack(stored)
if not (old and old[1] == ARGV[3]) then
  return 'changed'
end
if redis.call('HGET', to, ARGV[5]) then
  return 'occupied'
end
for i = 1, #old[2], 2 do
  redis.call('ZREM', from .. ':' .. old[2][i], old[2][i + 1])
end
redis.call('HDEL', from, ARGV[2])
local complete = redis.call('GET', KEYS[5])
if complete ~= ARGV[7] then
  if redis.call('HLEN', to) == 0 then
    redis.call('SET', KEYS[5], ARGV[7])
  elseif complete then
    local kept = {}
    for name in string.gmatch(complete, '[^\n]*\n') do
      local plain = string.gsub(name, '^%?[^:]*:', '')
      if string.find('\n' .. ARGV[7], '\n' .. plain, 1, true) then
        kept[#kept + 1] = name
      end
    end
    redis.call('SET', KEYS[5], table.concat(kept))
  end
end
local members = {}
for i = 8, #ARGV, 2 do
  members[#members + 1] = ARGV[i]
  members[#members + 1] = ARGV[i + 1]
  redis.call('ZADD', to .. ':' .. ARGV[i], 0, ARGV[i + 1])
end
redis.call('HSET', to, ARGV[5], cmsgpack.pack({ARGV[6], members}))
return 'done'
