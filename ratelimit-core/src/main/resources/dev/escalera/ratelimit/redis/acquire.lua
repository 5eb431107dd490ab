-- Decides on buckets. KEYS: the buckets. ARGV: now in µs ('' asks Redis); tokens to debit first, as far as they are there; for each
-- bucket its figures "capacity period burst revision scale"; then pairs of a cost and how often it is asked, in order. Each cost is
-- taken from all buckets or from none. Returns {now, debited, and for each bucket, before the costs: tokens, remainder, the figures
-- that hold or '' if they are those given}: from there the decisions follow.
-- The arithmetic is that of TokenBucket.java: all integers, and below 2^53 (Limit.java sees to it), up to where doubles are exact.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local debit, buckets = tonumber(ARGV[2]), #KEYS

-- Quotient and remainder; a quotient that was rounded up is put right.
local function divide(a, b)
  local quotient = math.floor(a / b)
  local remainder = a - quotient * b
  if remainder < 0 then
    return quotient - 1, remainder + b
  end
  return quotient, remainder
end

-- The figures that hold: the higher revision, of one revision the lower rate and the lower burst.
local function holding(asked, stored)
  local figures = '^(%d+) (%d+) (%d+) (%d+) (%d+)$'
  local capacity, period, burst, revision, scale = string.match(asked, figures)
  local capacity2, period2, burst2, revision2, scale2 = string.match(stored, figures)
  revision, revision2 = tonumber(revision), tonumber(revision2)
  if revision ~= revision2 then
    return revision > revision2 and asked or stored
  end
  local mine, theirs = capacity / period, capacity2 / period2
  if not (mine < theirs or (mine == theirs and tonumber(scale) < tonumber(scale2))) then
    capacity, period, scale = capacity2, period2, scale2
  end
  return string.format('%.0f %.0f %.0f %.0f %.0f', capacity, period, math.min(burst, burst2), revision, scale)
end

-- Both as large as one bucket needs, which most calls are of: a table that grows costs as much as the arithmetic.
local reply = {now, 0, 0, 0, ''}
local state = {0, 0, 0, 0, 0, '', false}
local level
for i = 1, buckets do
  local asked = ARGV[2 + i]
  local figures = asked
  local capacity, period, burst = string.match(figures, '^(%d+) (%d+) (%d+)')
  capacity, period, burst = tonumber(capacity), tonumber(period), tonumber(burst)
  local tokens, remainder, moved = burst, 0, false
  local stored = redis.call('GET', KEYS[i])
  if stored then
    local left, part, at, old = string.match(stored, '^(%d+) (%d+) (%d+) (.+)$')
    tokens, remainder, at = tonumber(left), tonumber(part), tonumber(at)
    if old ~= figures then
      capacity, period, burst = string.match(old, '^(%d+) (%d+) (%d+)')
      capacity, period, burst = tonumber(capacity), tonumber(period), tonumber(burst)
    end
    moved = now < at
    if tokens >= burst then
      tokens, remainder = burst, 0
    elseif now > at then
      local periods, rest = divide(now - at, period)
      if periods > divide(burst - tokens, capacity) then
        tokens, remainder = burst, 0
      else
        local gained
        gained, remainder = divide(rest * capacity + remainder, period)
        tokens = tokens + periods * capacity + gained
        if tokens >= burst then
          tokens, remainder = burst, 0
        end
      end
    end
    if old ~= figures then
      figures = holding(asked, old)
      if old ~= figures then
        -- The share of the burst that is left stays.
        local share = tokens / burst
        capacity, period, burst = string.match(figures, '^(%d+) (%d+) (%d+)')
        capacity, period, burst = tonumber(capacity), tonumber(period), tonumber(burst)
        tokens, remainder, moved = math.min(burst, math.floor(share * burst)), 0, true
      end
    end
  end
  if debit > 0 then
    local debited = math.min(debit, tokens)
    tokens, moved, reply[2] = tokens - debited, true, debited
  end
  if not level or tokens < level then
    level = tokens
  end
  local s = 7 * i
  state[s - 6], state[s - 5], state[s - 4], state[s - 3], state[s - 2], state[s - 1], state[s] =
    tokens, remainder, capacity, period, burst, figures, moved
  reply[3 * i], reply[3 * i + 1], reply[3 * i + 2] = tokens, remainder, figures == asked and '' or figures
end

local taken = 0
for i = 3 + buckets, #ARGV, 2 do
  local cost, times = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  taken = taken + cost * math.min(times, math.floor((level - taken) / cost))
end

for i = 1, buckets do
  local s = 7 * i
  if taken > 0 or state[s] then
    local tokens, remainder, burst = state[s - 6] - taken, state[s - 5], state[s - 2]
    local reset = 0
    if tokens < burst then
      local micros, more = divide((burst - tokens) * state[s - 3] - remainder, state[s - 4])
      reset = more > 0 and micros + 1 or micros
    end
    -- A full bucket is one that does not exist; a second more for clocks that are set back a little.
    redis.call('SET', KEYS[i], string.format('%.0f %.0f %.0f %s', tokens, remainder, now, state[s - 1]),
      'PX', math.ceil(reset / 1000) + 1000)
  end
end
return reply
