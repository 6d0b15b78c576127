"""The two scripts that write an event. Lua only because each must be one step for everybody who looks.

They are two because their keys live in different slots of a Redis Cluster. The record goes first: whoever
sees the new revision finds the new record.
"""

from __future__ import annotations

PUT_RECORD = """
local held = redis.call('HMGET', KEYS[1], 'epoch', 'phase')
local epoch, phase = tonumber(held[1] or -1), tonumber(held[2] or -1)
if tonumber(ARGV[2]) < epoch then return 0 end
if tonumber(ARGV[2]) == epoch and tonumber(ARGV[3]) < phase then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'epoch', ARGV[2], 'phase', ARGV[3])
return 1
"""
"""KEYS: event hash. ARGV: record, epoch, phase rank. Returns 0 when what is held is newer."""

NOTE_CHANGE = """
local revision = redis.call('INCR', KEYS[1])
redis.call('ZADD', KEYS[2], revision, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[2]))
return revision
"""
"""KEYS: revision counter, changes. ARGV: event id, how many changes to remember. Returns the revision."""

CHANGES_KEPT = 100_000  # events a new gateway learns at its start; older ones are still found by their id
