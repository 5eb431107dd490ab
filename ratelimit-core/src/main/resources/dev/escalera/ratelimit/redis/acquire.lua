-- Decides on buckets, for several who ask. KEYS: the buckets of all, in order. ARGV: now in µs ('' asks Redis); then of each who asks:
-- the number of his buckets; tokens to debit first, as far as they are there; of each bucket its figures "capacity period burst revision
-- scale" and '' or what becomes of leases, "settled unspent granted wish least µs" ('-' for no lease); the number of pairs, and the pairs
-- of a cost and how often it is asked, in order. Each cost is taken from all his buckets or from none. Returns now, and of each who asks
-- what was debited, or an error, and if there is none of each bucket, before the costs: tokens, remainder, and '' or "figures that
-- hold|granted|credited|1 if there is enough to be shared out". From there the decisions follow.
-- The arithmetic is that of TokenBucket.java and Escrow.java: all integers, and below 2^53 (Limit.java sees to it), up to where doubles
-- are exact.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- Quotient and remainder; a quotient that was rounded up is put right.
local function divide(a, b)
  local quotient = math.floor(a / b)
  local remainder = a - quotient * b
  if remainder < 0 then
    return quotient - 1, remainder + b
  end
  return quotient, remainder
end

local function parse(text)
  local capacity, period, burst, revision, scale = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  return {capacity = tonumber(capacity), period = tonumber(period), burst = tonumber(burst),
    revision = tonumber(revision), scale = tonumber(scale)}
end

-- The figures that hold: the higher revision, of one revision the lower rate and the lower burst.
local function holding(asked, stored)
  local mine, theirs = parse(asked), parse(stored)
  if mine.revision ~= theirs.revision then
    return mine.revision > theirs.revision and asked or stored
  end
  local rate, other = mine.capacity / mine.period, theirs.capacity / theirs.period
  local slower = (rate < other or (rate == other and mine.scale < theirs.scale)) and mine or theirs
  return string.format('%.0f %.0f %.0f %.0f %.0f', slower.capacity, slower.period, math.min(mine.burst, theirs.burst),
    mine.revision, slower.scale)
end

-- Tokens and remainder at a later time, at most as many as there is room for.
local function refill(tokens, remainder, at, time, figures, room)
  if tokens >= room then
    return tokens, 0
  elseif time <= at then
    return tokens, remainder
  end
  local periods, rest = divide(time - at, figures.period)
  if periods > divide(room - tokens, figures.capacity) then
    return room, 0
  end
  local gained
  gained, remainder = divide(rest * figures.capacity + remainder, figures.period)
  tokens = tokens + periods * figures.capacity + gained
  if tokens >= room then
    return room, 0
  end
  return tokens, remainder
end

-- Microseconds until so many tokens are gained, rounded up.
local function micros(tokens, remainder, figures)
  local whole, more = divide(tokens * figures.period - remainder, figures.capacity)
  return more > 0 and whole + 1 or whole
end

-- The leases "|id tokens until" that nodes hold, by their ends.
local function leases(text)
  local list = {}
  for id, tokens, ends in string.gmatch(text, '|(%S+) (%d+) (%d+)') do
    list[#list + 1] = {id = id, tokens = tonumber(tokens), ends = tonumber(ends)}
  end
  table.sort(list, function(a, b) return a.ends < b.ends end)
  return list
end

local function outstanding(list)
  local sum = 0
  for _, lease in ipairs(list) do
    sum = sum + lease.tokens
  end
  return sum
end

-- Each node that holds a lease, and the one that asks.
local function nodes(list, id)
  local seen, count = {}, 0
  for i = 0, #list do
    local node = string.match(i == 0 and id or list[i].id, '^(.*)%.')
    if not seen[node] then
      seen[node], count = true, count + 1
    end
  end
  return count
end

local function settle(s, id, unspent)
  for i, lease in ipairs(s.leases) do
    if lease.id == id then
      table.remove(s.leases, i)
      local room = math.max(0, s.figures.burst - s.tokens - outstanding(s.leases))
      s.credited = math.min(unspent, lease.tokens, room)
      s.tokens, s.moved = s.tokens + s.credited, true
      return
    end
  end
end

-- As many as are wished for, but no more than leaves each node its share and half the burst to be refilled.
local function grant(s)
  local count = nodes(s.leases, s.grant)
  local tokens = 0
  if s.figures.burst >= 4 * count then
    s.shared = 1
    tokens = math.min(s.wish, math.floor(s.figures.burst / (2 * count)), s.tokens)
  end
  if s.least > tokens and s.least <= s.tokens then
    tokens = s.least
  end
  if tokens >= 1 then
    s.leases[#s.leases + 1] = {id = s.grant, tokens = tokens, ends = now + s.length}
    s.tokens, s.granted, s.moved = s.tokens - tokens, tokens, true
  end
end

-- Brings a bucket up to now, and under the figures that hold; returns it, or what is wrong with it.
local function open(stored, asked, lease)
  local name, figures, leased, moved = asked, nil, false, false
  local tokens, remainder = nil, 0
  if stored then
    local level, part, time, text, capacity, period, burst, revision, scale, rest =
      string.match(stored, '^(%d+) (%d+) (%d+) ((%d+) (%d+) (%d+) (%d+) (%d+))(.*)$')
    if not level then
      return nil, 'ERR the value is no bucket'
    end
    figures = {capacity = tonumber(capacity), period = tonumber(period), burst = tonumber(burst),
      revision = tonumber(revision), scale = tonumber(scale)}
    local at, room = tonumber(time), figures.burst
    tokens, remainder, moved = tonumber(level), tonumber(part), now < at
    if rest ~= '' then
      leased = leases(rest)
      while leased[1] and leased[1].ends <= now do
        local ends = math.max(at, leased[1].ends)
        tokens, remainder = refill(tokens, remainder, at, ends, figures, room - outstanding(leased))
        at = ends
        table.remove(leased, 1)
      end
      room = room - outstanding(leased)
    end
    tokens, remainder = refill(tokens, remainder, at, now, figures, room)
    if text ~= asked then
      name = holding(asked, text)
      if name ~= text then
        -- The share of the burst that is left stays.
        local share = tokens / figures.burst
        figures = parse(name)
        tokens, remainder, moved = math.min(figures.burst, math.floor(share * figures.burst)), 0, true
        if leased then
          tokens = math.min(tokens, math.max(0, figures.burst - outstanding(leased)))
        end
      end
    end
  else
    figures = parse(asked)
    tokens = figures.burst
  end
  local s = {name = name, figures = figures, tokens = tokens, remainder = remainder, moved = moved, leases = leased,
    grant = false, granted = 0, credited = 0, shared = 0}
  if lease ~= '' then
    s.leases = leased or {}
    local settled, unspent, granted, wish, least, length =
      string.match(lease, '^(%S+) (%d+) (%S+) (%d+) (%d+) (%d+)$')
    if settled ~= '-' then
      settle(s, settled, tonumber(unspent))
    end
    s.grant = granted ~= '-' and granted
    s.wish, s.least, s.length = tonumber(wish), tonumber(least), tonumber(length)
  end
  return s
end

local function save(key, s)
  local rest, full = '', 0
  if s.leases and s.leases[1] then
    local texts = {}
    for i, lease in ipairs(s.leases) do
      texts[i] = string.format('|%s %.0f %.0f', lease.id, lease.tokens, lease.ends)
      full = math.max(full, lease.ends - now)
    end
    rest, full = table.concat(texts), full + micros(s.figures.burst, 0, s.figures)
  elseif s.tokens < s.figures.burst then
    full = micros(s.figures.burst - s.tokens, s.remainder, s.figures)
  end
  -- A full bucket is one that does not exist; a second more for clocks that are set back a little.
  redis.call('SET', key, string.format('%.0f %.0f %.0f %s%s', s.tokens, s.remainder, now, s.name, rest),
    'PX', math.ceil(full / 1000) + 1000)
end

-- As long as for one bucket, so that it need not grow.
local reply, size, key, arg, states = {now, 0, 0, 0, ''}, 1, 0, 2, {false}
while arg <= #ARGV do
  local buckets, debit = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  local first, told, failure, level = key, size + 1, nil, nil
  arg, size = arg + 2, told
  reply[told] = 0
  for i = 1, buckets do
    key = key + 1
    local s
    -- Who asks for a key that is no bucket fails alone.
    local stored = redis.pcall('GET', KEYS[key])
    failure = failure or (type(stored) == 'table' and stored.err)
    if not failure then
      s, failure = open(stored, ARGV[arg], ARGV[arg + 1])
      states[i] = s
    end
    if not failure then
      if debit > 0 then
        reply[told] = math.min(debit, s.tokens)
        s.tokens, s.moved = s.tokens - reply[told], true
      end
      if not level or s.tokens < level then
        level = s.tokens
      end
      reply[size + 1], reply[size + 2] = s.tokens, s.remainder
      reply[size + 3] = s.name == ARGV[arg] and '' or s.name .. '|0|0|0'
      size = size + 3
    end
    arg = arg + 2
  end
  local runs = tonumber(ARGV[arg])
  if failure then
    reply[told], size = failure, told
    for i = size + 1, #reply do
      reply[i] = nil
    end
  else
    local taken = 0
    for i = arg + 1, arg + 2 * runs, 2 do
      local cost, times = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
      taken = taken + cost * math.min(times, math.floor((level - taken) / cost))
    end
    for i = 1, buckets do
      local s = states[i]
      s.tokens = s.tokens - taken
      if s.grant then
        grant(s)
      end
      if s.granted > 0 or s.credited > 0 or s.shared > 0 then
        reply[told + 3 * i] = string.format('%s|%.0f|%.0f|%.0f', s.name, s.granted, s.credited, s.shared)
      end
      if taken > 0 or s.moved then
        save(KEYS[first + i], s)
      end
    end
  end
  arg = arg + 1 + 2 * runs
end
for i = #reply, size + 1, -1 do
  reply[i] = nil
end
return reply
