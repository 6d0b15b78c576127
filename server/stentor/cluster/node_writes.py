"""The two scripts that write what a node publishes of itself.

A node's record has a deadline that the node moves on; whoever writes next sweeps out those that are over it.
Fields of a hash cannot expire by themselves before Redis 7.4. Times are the store's own (TIME), in ms.

KEYS of both: records (hash), deadlines (sorted set), revision, changes (sorted set), life.
"""

from __future__ import annotations

CHANGES_KEPT = 20_000  # nodes: whoever missed more reads everything

_NOTE = f"""
local function note(id)
  redis.call('ZADD', KEYS[4], redis.call('INCR', KEYS[3]), ARGV[2] .. id)
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, {-1 - CHANGES_KEPT})
end
"""

PUT_NODE = (
    _NOTE
    + """
redis.call('SET', KEYS[5], ARGV[3], 'NX')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  note(id)
end
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and redis.call('ZSCORE', KEYS[2], ARGV[1]) and not string.find(held, ARGV[5], 1, true) then
  return 0
end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[6]), ARGV[1])
if held ~= ARGV[4] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
  note(ARGV[1])
end
return 1
"""
)
"""ARGV: id, prefix of its kind, a name for the store's life if it has none, record, a part of the record
that no other node's has, milliseconds to keep it. Returns 0 when another node holds the id."""

REMOVE_NODE = (
    _NOTE
    + """
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then note(ARGV[1]) end
return 1
"""
)
"""ARGV: id, prefix of its kind."""
