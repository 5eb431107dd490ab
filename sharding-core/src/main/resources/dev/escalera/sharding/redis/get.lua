-- Returns the bytes of one document. KEYS[1]: the hash of the documents. ARGV[1]: id.
local stored = redis.call('HGET', KEYS[1], ARGV[1])
return stored and cmsgpack.unpack(stored)[1]
