"""What Redis holds and under which keys, and the scripts that change it, each of them all or nothing.

A script compares and writes in one go; when it is called and what its reply means is ``redis_store``'s. Each touches
one session only, whose keys share a hash tag and so lie on one node of a cluster; nothing here needs a module, or a
Redis newer than 6.2.
"""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote

VERSION = 1
"""Of this layout; a store of a newer one is refused."""
SCHEMA = "companions:schema"
SESSIONS = "companions:sessions"
"""Sorted set of the ids of all living sessions."""
HEADS = "companions:{*}:head"
"""What the key of every session's head looks like, forgotten ones' included."""

COMMITTED = -1
GONE = -2


def entries(session_id: str) -> str:
    """Name a session's stream: entry ``seq`` has the id ``seq-0`` and the fields ``e`` (see ``redis_rows``), ``t``."""
    return f"companions:{{{session_id}}}:entries"


def head(session_id: str) -> str:
    """Name a session's hash.

    While it lives: ``opening``, ``base``, and once it was shown ``projection`` and ``projected``. Once forgotten:
    ``tombstone``, with the base and parent that its own forks are still read through, and until all of its text is
    erased, ``erasing``.
    """
    return f"companions:{{{session_id}}}:head"


def forks(session_id: str) -> str:
    """Name the hash of a session's forks with their bases; written before a fork opens."""
    return f"companions:{{{session_id}}}:forks"


def owned(owner: str) -> str:
    """Name the sorted set of an owner's sessions by last use; written before a session opens."""
    return f"companions:owner:{quote(owner, safe='')}"


def leased(name: str) -> str:
    """Name the key of a lease, which expires by itself."""
    return f"companions:lease:{quote(name, safe='')}"


def own_keys(session_id: str) -> tuple[str, str]:
    """Give the two keys that most scripts need."""
    return head(session_id), entries(session_id)


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, called by the digest under which a server that has run it once still knows it."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest that Redis goes by."""
        object.__setattr__(self, "digest", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


# A living session has no gaps and loses no entry, so its newest seq is its base plus the length of its stream: unlike
# the newest entry itself, that is known without reading any text.

APPEND = Script("""
-- KEYS: head and entries of each append. ARGV, for each: the first seq, how many entries, the opening or '', and ''
-- or else what to answer instead of writing to a session that does not exist; then both fields of each entry.
local at = 1
local function take(head, entries)
    local first, count, opening, barred = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
    local from = at + 4
    at = from + 2 * count
    local base = redis.call('HGET', head, 'base')
    if base then
        local seq = base + redis.call('XLEN', entries)
        if barred ~= '' or opening ~= '' or first ~= seq + 1 then return seq end
    else
        if opening == '' or redis.call('EXISTS', head) == 1 then return -2 end
        if barred ~= '' then return tonumber(barred) end
        redis.call('HSET', head, 'base', first - 1, 'opening', opening)
    end
    for n = from, at - 1, 2 do
        redis.call('XADD', entries, string.format('%d-0', first), 'e', ARGV[n], 't', ARGV[n + 1])
        first = first + 1
    end
    return -1
end
local replies = {}
for n = 1, #KEYS, 2 do replies[#replies + 1] = take(KEYS[n], KEYS[n + 1]) end
return replies
""")

REGISTER = Script("""
-- KEYS: the parent's head, entries and forks. ARGV: the fork and its base. Gives the parent's newest seq.
local base = redis.call('HGET', KEYS[1], 'base')
if not base then return -2 end
local seq = base + redis.call('XLEN', KEYS[2])
-- One that was registered and never opened may come again with another base.
local known = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0)
if seq >= tonumber(ARGV[2]) and known < tonumber(ARGV[2]) then redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) end
return seq
""")

HEAD = Script("""
-- KEYS: head and entries. Gives the opening, the projection and how many entries are the session's own.
local found = redis.call('HMGET', KEYS[1], 'opening', 'projection')
if not found[1] then return false end
return {found[1], found[2], redis.call('XLEN', KEYS[2])}
""")

TAIL = Script("""
-- KEYS: head and entries. ARGV: the companion type, how many versions and how many exchanges.
-- Gives the opening, and the newest entry with those that a walk along the marks will ask for, as far as they are here;
-- see trails, which has the last word.
local opening = redis.call('HGET', KEYS[1], 'opening')
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not opening or not newest then return {opening, {}} end
local rows, known = {}, {}
local CONFIGURE, QUERY, DRAFT, CRITIQUE, REVISION, PRIOR, BASE, BEFORE = 1, 2, 3, 4, 5, 7, 8, 9
local function read(row)
    rows[#rows + 1] = row
    local entry, seq = cjson.decode(row[2][2]), tonumber(string.match(row[1], '%d+'))
    local steps, others = string.match(entry[9], '^([^|]*)|?(.*)$')
    local trail, n = {companion = entry[2], others = others, seq = seq}, 0
    for back in string.gmatch(steps, '%d+') do
        n = n + 1
        if back ~= '0' then trail[n] = seq + 1 - back end
    end
    known[seq] = trail
    return trail
end
local function at(seq)
    if seq and known[seq] == nil then
        local id = string.format('%d-0', seq)
        local row = redis.call('XRANGE', KEYS[2], id, id)[1]
        known[seq] = row and read(row) or false
    end
    return seq and known[seq]
end
local trail = read(newest)
if trail.companion ~= ARGV[1] then
    local back = trail.others ~= '' and cjson.decode(trail.others)[ARGV[1]]
    trail = back and at(trail.seq - back)
end
if trail then
    for _, name in ipairs({CONFIGURE, QUERY, DRAFT, CRITIQUE, BASE}) do at(trail[name]) end
    local version, before = trail[REVISION], trail[BEFORE]
    for _ = 1, tonumber(ARGV[2]) do
        local found = at(version)
        version = found and found[PRIOR]
    end
    for _ = 1, tonumber(ARGV[3]) do
        local slot = at(before)
        if slot then for _, name in ipairs({QUERY, DRAFT, REVISION}) do at(slot[name]) end end
        before = slot and slot[BEFORE]
    end
end
return {opening, rows}
""")

COUNT = Script("""
-- KEYS: head and entries. Gives whether the session lives, and how many entries of its own are kept.
return {redis.call('HEXISTS', KEYS[1], 'base'), redis.call('XLEN', KEYS[2])}
""")

FIND = Script("""
-- KEYS: entries. ARGV: first and last id, how many, two texts that field e must
-- hold, then others of which it must hold any.
-- Gives at most so many of the entries that may fit, and the id up to which it looked unless that was the last: it
-- looks no further than a few megabytes, since everybody else waits.
local found, bytes, from = {}, 0, ARGV[1]
local function fits(text)
    if not string.find(text, ARGV[4], 1, true) or not string.find(text, ARGV[5], 1, true) then return false end
    if #ARGV == 5 then return true end
    for n = 6, #ARGV do
        if string.find(text, ARGV[n], 1, true) then return true end
    end
    return false
end
while true do
    local rows = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 50)
    for _, row in ipairs(rows) do
        bytes = bytes + #row[2][2] + #row[2][4]
        if fits(row[2][2]) then found[#found + 1] = row end
        if #found >= tonumber(ARGV[3]) or bytes > 2e6 then return {found, row[1]} end
    end
    if #rows < 50 then return {found, ''} end
    from = '(' .. rows[#rows][1]
end
""")

PROJECT = Script("""
-- KEYS: head. ARGV: the projection's seq and the projection. Gives the opening if it was taken.
local opening, projected = unpack(redis.call('HMGET', KEYS[1], 'opening', 'projected'))
if not opening or (projected and tonumber(projected) > tonumber(ARGV[1])) then return false end
redis.call('HSET', KEYS[1], 'projected', ARGV[1], 'projection', ARGV[2])
return opening
""")

LEASE = Script("""
-- KEYS: the lease. ARGV: who wants it and for how many milliseconds. Gives who holds it now.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
if tonumber(ARGV[2]) > 0 then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return ARGV[1]
end
redis.call('DEL', KEYS[1])
return ''
""")

FORGET = Script("""
-- KEYS: head. ARGV: the tombstone. Whoever finds the session living forgets it.
local opening = redis.call('HGET', KEYS[1], 'opening')
if opening then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'tombstone', ARGV[1], 'erasing', opening)
end
return 0
""")

SEAL = Script("""
-- KEYS: a fork's head. Gives whether the fork of a forgotten session lives; one that has not opened yet never will.
if redis.call('HEXISTS', KEYS[1], 'base') == 1 then return 1 end
redis.call('HSETNX', KEYS[1], 'tombstone', '0:')
return 0
""")

ERASE = Script("""
-- KEYS: entries, and a name to copy them to. ARGV: the newest seq to keep. A stream whose entries are deleted one by
-- one goes on holding their bytes, so what is kept is copied and the whole of it replaced.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest or tonumber(string.match(newest[1], '%d+')) <= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[2])
local from = '-'
while true do
    local rows = redis.call('XRANGE', KEYS[1], from, ARGV[1] .. '-0', 'COUNT', 100)
    for _, row in ipairs(rows) do redis.call('XADD', KEYS[2], row[1], unpack(row[2])) end
    if #rows < 100 then break end
    from = '(' .. rows[#rows][1]
end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
return 1
""")
