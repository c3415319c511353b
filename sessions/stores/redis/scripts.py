"""What Redis holds and under which keys, and the scripts that change it, each of them all or nothing.

A script compares and writes in one go; when it is called and what its reply means is ``store``'s. Each touches
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
SHARES = "companions:shares"
"""Hash of what was learned; see ``shares``. A program that does not know it yet passes it over."""
SEALS = "companions:seals"
"""Hash of the keys that something may be sealed with; see ``sealing``."""
HEADS = "companions:{*}:head"
"""What the key of every session's head looks like, forgotten ones' included."""

COMMITTED = -1
GONE = -2


def entries(session_id: str) -> str:
    """Name a session's stream: entry ``seq`` has the id ``seq-0`` and the fields ``e`` (see ``rows``), ``t``."""
    return f"companions:{{{session_id}}}:entries"


def rewritten(session_id: str) -> str:
    """Name the copy of a session's stream that will take its place; see ``sealing``."""
    return f"{entries(session_id)}:rewritten"


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


def granted(session_id: str) -> str:
    """Name the hash of a session's invitations and participants; see ``grants``."""
    return f"companions:{{{session_id}}}:grants"


def attached(session_id: str) -> str:
    """Name the hash of what is attached to a session; see ``attachments``."""
    return f"companions:{{{session_id}}}:attachments"


def joined(principal: str) -> str:
    """Name the set of the sessions that somebody takes part in; see ``grants``."""
    return f"companions:joined:{quote(principal, safe='')}"


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

COUNT = Script("""
-- KEYS: head and entries. Gives whether the session lives, and how many entries of its own are kept.
return {redis.call('HEXISTS', KEYS[1], 'base'), redis.call('XLEN', KEYS[2])}
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
-- KEYS: entries, a name to copy them to, and one that a copy of them may have. ARGV: the newest seq to keep. A stream
-- whose entries are deleted one by one goes on holding their bytes, so what is kept is copied and the whole of it
-- replaced.
redis.call('DEL', KEYS[3])
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
