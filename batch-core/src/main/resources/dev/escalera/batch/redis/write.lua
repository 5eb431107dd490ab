-- Writes documents, all or none: every check comes before the first write, since what a script has written stays when it fails.
-- KEYS: of each write its hash, then its marker if it has one.
-- ARGV: the number of writes; of each write its kind (set, merge, create, update or delete), how long its marker stays in
-- ms (0: it has none) and the number of its fields; of each field its name, v, i, t, u, r or d, and its value.
-- Returns 1 if they were applied, 2 if their markers say that they were before.
-- Every document has the field '' besides its own, so that one without fields exists too.

local MAX = '9223372036854775807'
local MIN = '9223372036854775808'

local function isWhole(text)
  if text ~= '0' and not string.find(text, '^%-?[1-9]%d*$') then
    return false
  end
  local negative = string.sub(text, 1, 1) == '-'
  local digits = negative and string.sub(text, 2) or text
  local limit = negative and MIN or MAX
  return #digits < #limit or (#digits == #limit and digits <= limit)
end

-- Whether the sum of two whole numbers of 64 bits is one too; Lua counts exactly to 2^53 only.
local function sumFits(a, b)
  local sum = tonumber(a) + tonumber(b)
  local negative = string.sub(a, 1, 1) == '-'
  if math.abs(sum) < 9.2e18 or negative ~= (string.sub(b, 1, 1) == '-') then
    return true
  end
  a, b = string.gsub(a, '-', ''), string.gsub(b, '-', '')
  local width = math.max(#a, #b)
  a, b = string.rep('0', width - #a) .. a, string.rep('0', width - #b) .. b
  local digits, carry = '', 0
  for i = width, 1, -1 do
    local digit = string.byte(a, i) + string.byte(b, i) - 96 + carry
    carry = digit > 9 and 1 or 0
    digits = digit % 10 .. digits
  end
  if carry == 1 then
    digits = '1' .. digits
  end
  local limit = negative and MIN or MAX
  return #digits < #limit or (#digits == #limit and digits <= limit)
end

-- The elements of a list, each with its length before it as it is stored.
local function elements(list)
  local all, at = {}, 2
  while at <= #list do
    local colon = string.find(list, ':', at, true)
    local stop = colon + tonumber(string.sub(list, at, colon - 1))
    all[#all + 1] = string.sub(list, at, stop)
    at = stop + 1
  end
  return all
end

local function changed(list, tag, given)
  local out, has = {}, {}
  if tag == 'u' then
    for _, element in ipairs(elements(list)) do
      out[#out + 1], has[element] = element, true
    end
    for _, element in ipairs(elements(given)) do
      if not has[element] then
        out[#out + 1], has[element] = element, true
      end
    end
  else
    for _, element in ipairs(elements(given)) do
      has[element] = true
    end
    for _, element in ipairs(elements(list)) do
      if not has[element] then
        out[#out + 1] = element
      end
    end
  end
  return 'l' .. table.concat(out)
end

local writes, nextKey, nextArg, already = {}, 1, 2, 0
for i = 1, tonumber(ARGV[1]) do
  local write = {kind = ARGV[nextArg], ttl = ARGV[nextArg + 1], first = nextArg + 3, key = KEYS[nextKey]}
  write.last = write.first + 3 * tonumber(ARGV[nextArg + 2]) - 1
  nextArg, nextKey = write.last + 1, nextKey + 1
  if write.ttl ~= '0' then
    write.marker, nextKey = KEYS[nextKey], nextKey + 1
    already = already + redis.call('EXISTS', write.marker)
  end
  writes[i] = write
end
if already == #writes then
  return 2
end
if already > 0 then
  return redis.error_reply('MIXED some of the writes were applied before, others not')
end

local now
for _, write in ipairs(writes) do
  local type = redis.call('TYPE', write.key).ok
  if type ~= 'none' and type ~= 'hash' then
    return redis.error_reply('WRONGTYPE the document is a ' .. type .. ', expected a hash')
  end
  if write.kind == 'create' and type ~= 'none' then
    return redis.error_reply('EXISTS the document exists')
  end
  if write.kind == 'update' and type == 'none' then
    return redis.error_reply('MISSING the document does not exist')
  end
  local fresh = type == 'none' or write.kind == 'set'
  write.set, write.counts, write.gone = {}, {}, {}
  for i = write.first, write.last, 3 do
    local name, tag, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if tag == 'i' then
      local old = not fresh and redis.call('HGET', write.key, name) or '0'
      if not isWhole(old) or not sumFits(old, value) then
        return redis.error_reply('COUNT the field is no whole number, or would be none of 64 bits')
      end
      write.counts[#write.counts + 1] = {name, value}
    elseif tag == 'd' then
      write.gone[#write.gone + 1] = name
    else
      if tag == 't' then
        now = now or redis.call('TIME')
        value = 't' .. now[1] .. string.format('%06d', now[2])
      elseif tag ~= 'v' then
        local old = not fresh and redis.call('HGET', write.key, name) or 'l'
        value = changed(string.sub(old, 1, 1) == 'l' and old or 'l', tag, value)
      end
      write.set[#write.set + 1] = name
      write.set[#write.set + 1] = value
    end
  end
end

for _, write in ipairs(writes) do
  if write.kind == 'delete' then
    redis.call('DEL', write.key)
  else
    -- First of all a write that Redis refuses when it is out of memory; DEL it would not refuse.
    redis.call('HSET', write.key, '', '')
    if write.kind == 'set' then
      redis.call('DEL', write.key)
      redis.call('HSET', write.key, '', '')
    end
    -- unpack has a limit, a document may have more fields.
    for i = 1, #write.set, 1000 do
      redis.call('HSET', write.key, unpack(write.set, i, math.min(i + 999, #write.set)))
    end
    for i = 1, #write.gone, 1000 do
      redis.call('HDEL', write.key, unpack(write.gone, i, math.min(i + 999, #write.gone)))
    end
    for _, count in ipairs(write.counts) do
      redis.call('HINCRBY', write.key, count[1], count[2])
    end
  end
  if write.marker then
    redis.call('SET', write.marker, '', 'PX', write.ttl)
  end
end
return 1
