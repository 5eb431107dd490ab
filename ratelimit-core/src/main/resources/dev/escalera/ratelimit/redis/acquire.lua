-- Decides on one bucket. KEYS[1]: the bucket. ARGV: capacity, period in µs, burst, cost, now in µs ('' asks Redis).
-- Returns {allowed, tokens left, µs to retry, µs to full}. The arithmetic is that of TokenBucket.java: all integers, and
-- below 2^53 (Limit.java sees to it), up to where doubles are exact.
local capacity, period, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cost, now = tonumber(ARGV[4]), tonumber(ARGV[5])
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

local tokens, remainder, moved = burst, 0, false
local stored = redis.call('GET', KEYS[1])
if stored then
  local field = {}
  for number in string.gmatch(stored, '%d+') do
    field[#field + 1] = tonumber(number)
  end
  local at, oldCapacity, oldPeriod, oldBurst = field[3], field[4], field[5], field[6]
  tokens, remainder = field[1], field[2]
  moved = now < at

  local periods, rest = divide(math.max(0, now - at), oldPeriod)
  if periods > divide(oldBurst - tokens, oldCapacity) then
    tokens, remainder = oldBurst, 0
  else
    local gained
    gained, remainder = divide(rest * oldCapacity + remainder, oldPeriod)
    tokens = tokens + periods * oldCapacity + gained
    if tokens >= oldBurst then
      tokens, remainder = oldBurst, 0
    end
  end

  -- Figures that changed: the share of the burst that is left stays.
  if oldCapacity ~= capacity or oldPeriod ~= period or oldBurst ~= burst then
    tokens, remainder, moved = math.min(burst, math.floor(tokens / oldBurst * burst)), 0, true
  end
end

local allowed = cost <= tokens
if allowed then
  tokens = tokens - cost
end

-- µs until that many tokens more are there, rounded up.
local function gain(missing)
  local micros, more = divide(missing * period - remainder, capacity)
  return more > 0 and micros + 1 or micros
end

local reset = tokens < burst and gain(burst - tokens) or 0
if allowed or moved then
  -- A full bucket is one that does not exist; a second more for clocks that are set back a little.
  local ttl = math.ceil(reset / 1000) + 1000
  redis.call('SET', KEYS[1],
    string.format('%.0f %.0f %.0f %.0f %.0f %.0f', tokens, remainder, now, capacity, period, burst),
    'PX', string.format('%.0f', ttl))
end
return {allowed and 1 or 0, tokens, allowed and 0 or gain(cost - tokens), reset}
