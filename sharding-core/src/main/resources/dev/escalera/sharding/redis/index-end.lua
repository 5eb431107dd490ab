-- Makes an index complete, if no writer that does not keep it has written since it was begun. KEYS[1]: the names of the complete indexes.
-- ARGV[1]: the index's name and a line feed. ARGV[2]: who began. Returns 'complete' or 'again'.
local complete = redis.call('GET', KEYS[1]) or ''
if string.find('\n' .. complete, '\n' .. ARGV[1], 1, true) then
  return 'complete'
end
local begun = '?' .. ARGV[2] .. ':' .. ARGV[1]
local from, to = string.find('\n' .. complete, '\n' .. begun, 1, true)
if not from then
  return 'again'
end
redis.call('SET', KEYS[1], string.sub(complete, 1, from - 1) .. ARGV[1] .. string.sub(complete, to))
return 'complete'
