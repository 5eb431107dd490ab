-- Returns how many bytes of memory some keys take. KEYS: those of a bucket. ARGV[1]: of how many elements of a key it is judged.
local sum = 0
for _, key in ipairs(KEYS) do
  sum = sum + (redis.call('MEMORY', 'USAGE', key, 'SAMPLES', ARGV[1]) or 0)
end
return sum
