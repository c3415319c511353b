"""Keeping what was learned in Redis: one hash of all shares, each a field under its name.

A value is a share's version, a blank and its body. Every change is one script over that one key, which compares and
writes in one go, on a cluster as well.
"""

from collections.abc import Sequence

from sessions.pattern_store import Share
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.scripts import SHARES, Script
from sessions.stores.share_texts import beginning_of, body_of, name_of, shares_of

PUT = Script("""
-- KEYS: the shares. ARGV: the name, the version before it, and the value. Gives whether the value is there now.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found == ARGV[3] then return 1 end
if (found and string.match(found, '^%d+') or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""")

FOLD = Script("""
-- KEYS: the shares. ARGV: the new name and value, then those of the shares whose place it takes.
local there, own, whole = redis.call('HGET', KEYS[1], ARGV[1]), false, true
for n = 3, #ARGV, 2 do
    if redis.call('HGET', KEYS[1], ARGV[n]) ~= ARGV[n + 1] then whole = false end
    if ARGV[n] == ARGV[1] then own = true end
end
if not whole then return there == ARGV[2] and 1 or 0 end
if there and not own then return 0 end
for n = 3, #ARGV, 2 do redis.call('HDEL', KEYS[1], ARGV[n]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
""")

DROP = Script("""
-- KEYS: the shares. ARGV: how the names begin of those that go. Gives how many went.
local gone = 0
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, #ARGV[1]) == ARGV[1] then gone = gone + redis.call('HDEL', KEYS[1], name) end
end
return gone
""")


class Shares:
    """The shares of one store."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def all(self, companion_type: str | None) -> list[Share]:
        """Read shares; see ``PatternStore.shares``."""
        (found,) = await self._link.run(command("HGETALL", SHARES))
        beginning = _beginning(companion_type)
        chosen = ((name, value.partition(" ")) for name, value in found.items() if name.startswith(beginning))
        return shares_of((name, version, body) for name, (version, _, body) in chosen)

    async def put(self, share: Share) -> bool:
        """Store a share that follows on what is there; see ``PatternStore.put_share``."""
        (put,) = await self._link.run(call(PUT, [SHARES], name_of(share), share.version - 1, _value(share)))
        return bool(put)

    async def fold(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        words = [word for share in (after, *before) for word in (name_of(share), _value(share))]
        (put,) = await self._link.run(call(FOLD, [SHARES], *words))
        return bool(put)

    async def drop(self, companion_type: str | None) -> int:
        """Forget shares; see ``PatternStore.drop_shares``."""
        (gone,) = await self._link.run(call(DROP, [SHARES], _beginning(companion_type)))
        return int(gone)


def _value(share: Share) -> str:
    return f"{share.version} {body_of(share)}"


def _beginning(companion_type: str | None) -> str:
    return "" if companion_type is None else beginning_of(companion_type)
