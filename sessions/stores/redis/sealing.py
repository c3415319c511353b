"""What sealing asks of Redis: who wrote what, texts replaced in streams, and the keys that were used.

A stream takes no entry in the place of another, so it is copied with the new texts under another name, a bounded piece
at a time, and takes the old one's place once the copy holds all that was appended meanwhile, in one script with that
comparison. Whoever forgets the session meanwhile deletes the copy as well.
"""

from collections.abc import Mapping, Sequence

from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.seal_store import Stretch
from sessions.stores.redis import rows, scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.reads import Reads
from sessions.stores.redis.scripts import Script

PIECE = 100
"""Entries that one script copies at most; everybody else waits for it."""
MOST_BYTES = 2_000_000
"""The same in bytes of the entries that are replaced."""
ATTEMPTS = 5
DONE = -1

COPY = Script("""
-- KEYS: entries, and the copy. ARGV: the seq up to which was copied, '1' to begin there, how many at most; then of
-- entries that are replaced: seq, id, and both fields. Gives the seq up to which is copied now, -1 when the copy has
-- taken the place of the stream, -2 if another copy was begun.
local function seq_of(key) return tonumber(string.match(key, '%d+')) end
local at, most, replaced = tonumber(ARGV[1]), tonumber(ARGV[3]), {}
if ARGV[2] == '1' then
    redis.call('DEL', KEYS[2])
else
    local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
    if not last or seq_of(last[1]) ~= at then return -2 end
end
for n = 4, #ARGV, 4 do replaced[tonumber(ARGV[n])] = n end
local rows = redis.call('XRANGE', KEYS[1], string.format('%d-0', at + 1), '+', 'COUNT', most)
for _, row in ipairs(rows) do
    local n = replaced[seq_of(row[1])]
    if n and cjson.decode(row[2][2])[1] == ARGV[n + 1] then
        redis.call('XADD', KEYS[2], row[1], 'e', ARGV[n + 2], 't', ARGV[n + 3])
    else
        redis.call('XADD', KEYS[2], row[1], unpack(row[2]))
    end
    at = seq_of(row[1])
end
if #rows == most then return at end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
return -1
""")

PUT_SEAL = Script("""
-- KEYS: the seals. ARGV: the key id and its proof. Gives the proof that is there now.
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
""")


class Sealing:
    """What sealing asks of one store."""

    def __init__(self, link: RedisLink, reads: Reads) -> None:
        self._link, self._reads = link, reads

    async def lineage(self, session_id: str) -> list[Stretch]:
        """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
        (opening,) = await self._link.run(command("HGET", scripts.head(session_id), "opening"))
        if opening is None:
            return []
        return [Stretch(part.session_id, part.base) for part in reversed(await self._reads.segments(session_id))]

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Replace texts and metas; see ``SealableStore.rewrite``.

        Raises:
            StoreAwayError: Another process rewrites the same session.
        """
        base = (await self._reads.segments(session_id))[-1].base
        there = await self._reads.fetch(session_id, [entry.seq for entry in entries if entry.seq > base])
        found = [
            (entry, there[entry.seq].mark)
            for entry in sorted(entries, key=lambda entry: entry.seq)
            if entry.seq in there and there[entry.seq].entry.id == entry.id
        ]
        words: dict[int, list[object]] = {
            entry.seq: [entry.seq, entry.id, *rows.fields(entry, mark)] for entry, mark in found
        }
        for _ in range(ATTEMPTS if words else 0):
            if await self._copied(session_id, base, words):
                return len(words)
        if words:
            raise StoreAwayError("Another process rewrites this session.", "Try again when it is done.")
        return 0

    async def seals(self) -> dict[str, str]:
        """Read the proofs of keys; see ``SealableStore.seals``."""
        (found,) = await self._link.run(command("HGETALL", scripts.SEALS))
        return dict(found)

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used; see ``SealableStore.put_seal``."""
        (there,) = await self._link.run(call(PUT_SEAL, [scripts.SEALS], key_id, proof))
        return str(there)

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used; see ``SealableStore.drop_seal``."""
        await self._link.run(command("HDEL", scripts.SEALS, key_id))

    async def _copied(self, session_id: str, base: int, words: Mapping[int, Sequence[object]]) -> bool:
        """Copy a stream with other texts and put the copy in its place; ``False`` if another copy got in the way."""
        keys, at, begins = [scripts.entries(session_id), scripts.rewritten(session_id)], base, "1"
        while at >= 0:
            most, given = _piece(at, words)
            (at,) = await self._link.run(call(COPY, keys, at, begins, most, *given))
            begins = ""
        return at == DONE


def _piece(at: int, words: Mapping[int, Sequence[object]]) -> tuple[int, list[object]]:
    """Give how many entries the next script copies, and the new texts of those that it replaces."""
    given, size = list[object](), 0
    for count in range(PIECE):
        new = words.get(at + 1 + count, ())
        size += sum(len(str(word)) for word in new)
        if count and size > MOST_BYTES:
            return count, given
        given += new
    return PIECE, given
