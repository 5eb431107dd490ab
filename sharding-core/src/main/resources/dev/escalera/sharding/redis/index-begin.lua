-- Begins to complete an index, in the name of one who does: what another has begun is begun anew.
-- KEYS[1]: the names of the complete indexes. ARGV[1]: the index's name and a line feed. ARGV[2]: who. Returns 'complete' or 'begun'.
local complete = redis.call('GET', KEYS[1]) or ''
if string.find('\n' .. complete, '\n' .. ARGV[1], 1, true) then
  return 'complete'
end
local names = {'?' .. ARGV[2] .. ':' .. ARGV[1]}
for name in string.gmatch(complete, '[^\n]*\n') do
  if string.gsub(name, '^%?[^:]*:', '') ~= ARGV[1] then
    names[#names + 1] = name
  end
end
redis.call('SET', KEYS[1], table.concat(names))
return 'begun'
