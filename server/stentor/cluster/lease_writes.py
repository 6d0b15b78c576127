"""The scripts of a lease. KEYS of all: the lease (hash, lapses by itself), its highest epoch (stays)."""

from __future__ import annotations

ACQUIRE = """
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return 0 end
local epoch = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, tonumber(ARGV[3]))
redis.call('SET', KEYS[2], string.format('%d', epoch))
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', string.format('%d', epoch))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return epoch
"""
"""ARGV: holder, ms, least epoch. Returns the new epoch, or 0 while somebody else holds it."""

RENEW = """
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[3] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
"""ARGV: holder, ms, epoch. Returns 0 when the lease has lapsed or is another's, or of another epoch."""

RESTORE = """
local epoch = tonumber(ARGV[3])
local highest = tonumber(redis.call('GET', KEYS[2]) or 0)
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if highest > epoch then return 0 end
if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) >= epoch then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
"""ARGV: holder, ms, epoch. Writes a lease as it was; 0 when the store knows of a higher epoch, or of
another holder of this one."""

RELEASE = """
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""
"""ARGV: holder, epoch. The highest epoch stays, so that the next holder's is above it."""
