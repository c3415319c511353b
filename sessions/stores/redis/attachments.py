"""What is attached to sessions in Redis: one hash for each session, on the node of its session.

Each attachment is two fields, the ``seq`` of the entry that names it and its bytes, in base64 since replies are read as
text. Each change is one script; one that adds looks whether the session lives.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Sequence

from sessions.attachment_store import Content
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import Command, call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.reads import Reads, Segment
from sessions.stores.redis.scripts import Script

SEQ, DATA = "s:", "d:"
"""How the two fields of an attachment begin; then its address."""

PUT = Script("""
-- KEYS: head and attachments. ARGV: the seq, then the address and the bytes of each. Gives whether the session lives.
if redis.call('HEXISTS', KEYS[1], 'opening') == 0 then return 0 end
for n = 2, #ARGV, 2 do
    if redis.call('HSETNX', KEYS[2], 's:' .. ARGV[n], ARGV[1]) == 1 then
        redis.call('HSET', KEYS[2], 'd:' .. ARGV[n], ARGV[n + 1])
    end
end
return 1
""")
KEPT = Script("""
-- KEYS: attachments. Gives each address and its seq.
local found = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 2) == 's:' then
        found[#found + 1] = string.sub(name, 3)
        found[#found + 1] = redis.call('HGET', KEYS[1], name)
    end
end
return found
""")
REWRITE = Script("""
-- KEYS: attachments. ARGV: the address, the new one and the new bytes. Gives whether it was there.
local seq = redis.call('HGET', KEYS[1], 's:' .. ARGV[1])
if not seq then return 0 end
redis.call('HDEL', KEYS[1], 's:' .. ARGV[1], 'd:' .. ARGV[1])
if redis.call('HSETNX', KEYS[1], 's:' .. ARGV[2], seq) == 1 then
    redis.call('HSET', KEYS[1], 'd:' .. ARGV[2], ARGV[3])
end
return 1
""")
ERASE = Script("""
-- KEYS: attachments. ARGV: the newest seq whose attachments stay.
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 2) == 's:' and tonumber(redis.call('HGET', KEYS[1], name)) > tonumber(ARGV[1]) then
        redis.call('HDEL', KEYS[1], name, 'd:' .. string.sub(name, 3))
    end
end
return 0
""")


class RedisAttachments:
    """The ``AttachmentStore`` protocol over Redis."""

    def __init__(self, link: RedisLink, reads: Reads) -> None:
        """Take the way to the server, and what tells where a session's entries lie."""
        self._link, self._reads = link, reads

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes; see ``AttachmentStore.put``."""
        words = await asyncio.to_thread(lambda: [word for each in contents for word in _words(each)])
        keys = [scripts.head(session_id), scripts.attached(session_id)]
        (living,) = await self._link.run(call(PUT, keys, seq, *words))
        return bool(living)

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``."""
        for part in await self._parts(session_id):
            for address in addresses:
                if (seq := await self._seq(part, address)) is not None:
                    (data,) = await self._link.run(command("HGET", scripts.attached(part.session_id), DATA + address))
                    return None if data is None else await asyncio.to_thread(_content, address, data, seq)
        return None

    async def kept(self, session_id: str) -> dict[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        parts = await self._parts(session_id)
        replies = await self._link.run(*(call(KEPT, [scripts.attached(part.session_id)]) for part in parts))
        told: dict[str, int] = {}
        for part, found in zip(parts, replies, strict=True):
            pairs = zip(found[::2], map(int, found[1::2]), strict=True)
            told |= {address: seq for address, seq in pairs if _reaches(part, seq)}
        return told

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        words = (address, *await asyncio.to_thread(_words, content))
        for part in await self._parts(session_id):
            if await self._seq(part, address) is not None:
                (done,) = await self._link.run(call(REWRITE, [scripts.attached(part.session_id)], *words))
                return bool(done)
        return False

    async def _parts(self, session_id: str) -> list[Segment]:
        """Give who keeps what a living session can read, itself first."""
        (living,) = await self._link.run(command("HEXISTS", scripts.head(session_id), "opening"))
        return (await self._reads.segments(session_id))[::-1] if living else []

    async def _seq(self, part: Segment, address: str) -> int | None:
        (seq,) = await self._link.run(command("HGET", scripts.attached(part.session_id), SEQ + address))
        return int(seq) if seq is not None and _reaches(part, int(seq)) else None


def erase(session_id: str, read: int) -> Command:
    """Give what erases the attachments of a forgotten session that are named behind a ``seq``, which others read."""
    return call(ERASE, [scripts.attached(session_id)], read)


def _words(content: Content) -> tuple[str, str]:
    return content.address, b64encode(content.data).decode()


def _content(address: str, data: str, seq: int) -> Content:
    return Content(address=address, data=b64decode(data), seq=seq)


def _reaches(part: Segment, seq: int) -> bool:
    return part.last is None or seq <= part.last
