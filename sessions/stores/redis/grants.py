"""Whom sessions in Redis are shared with: one hash for each session, and an index of sessions for each participant.

The hash is what counts; it lies on the node of its session, and each change of it is one script that looks whether the
session lives. The index is written before and behind it, so that it never lacks a session that the hash names; what it
names too much is passed over.
"""

import json
from collections.abc import Mapping

from sessions.grant_store import MOST, MOST_SESSIONS, Acceptance, Grants, Invitation, Participant, Role
from sessions.store import Head
from sessions.stores.redis import scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink
from sessions.stores.redis.listings import Listings
from sessions.stores.redis.scripts import Script

INVITED, TAKES_PART = "i:", "p:"
"""How the fields of invitations and participants begin; then the name, or the principal."""
ALL = "companions:{*}:grants"
"""What the key of every session's hash looks like."""

_EXPIRE = """
local function expire(now)
    for n, name in ipairs(redis.call('HKEYS', KEYS[2])) do
        if string.sub(name, 1, 2) == 'i:' then
            local held = cjson.decode(redis.call('HGET', KEYS[2], name))
            if held[5] <= tonumber(now) then redis.call('HDEL', KEYS[2], name) end
        end
    end
end
"""
INVITE = Script(f"""
-- KEYS: head and grants. ARGV: the field, its value, now, the most fields. Gives whether it was added.
{_EXPIRE}
if redis.call('HEXISTS', KEYS[1], 'opening') == 0 then return 0 end
expire(ARGV[3])
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
return redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])
""")
ACCEPT = Script(f"""
-- KEYS: head and grants. ARGV: the invitation's field, the secret, the principal, the participant's field, now.
-- Gives the role that is held now, or nothing.
{_EXPIRE}
local opening = redis.call('HGET', KEYS[1], 'opening')
if not opening then return false end
expire(ARGV[5])
local found = redis.call('HGET', KEYS[2], ARGV[1])
if not found or cjson.decode(opening)[1] == ARGV[3] then return false end
local role, secret, person = unpack(cjson.decode(found), 1, 3)
if secret ~= ARGV[2] or (person ~= cjson.null and person ~= ARGV[3]) then return false end
redis.call('HDEL', KEYS[2], ARGV[1])
local known = redis.call('HGET', KEYS[2], ARGV[4])
if not known then
    redis.call('HSET', KEYS[2], ARGV[4], '["' .. role .. '",' .. ARGV[5] .. ']')
    return role
end
-- Put together, since a number that is read and written again would be another one.
if role == 'author' then redis.call('HSET', KEYS[2], ARGV[4], (string.gsub(known, '"reader"', '"author"', 1))) end
return cjson.decode(redis.call('HGET', KEYS[2], ARGV[4]))[1]
""")
REMOVE = Script(f"""
-- KEYS: head and grants. ARGV: the field and now. Gives whether it was there.
{_EXPIRE}
local gone = redis.call('HDEL', KEYS[2], ARGV[1])
expire(ARGV[2])
return gone
""")
PUT = Script("""
-- KEYS: head and grants. ARGV: fields and values. Gives whether the session is there.
if redis.call('HEXISTS', KEYS[1], 'opening') == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV))
return 1
""")


class RedisGrants:
    """The ``GrantStore`` protocol over Redis."""

    def __init__(self, link: RedisLink) -> None:
        """Take the way to the server."""
        self._link = link
        self._listings = Listings(link)

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        name, value = _invited(invitation)
        (added,) = await self._link.run(
            call(INVITE, _keys(invitation.session_id), name, value, repr(invitation.invited_at), MOST)
        )
        return bool(added)

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        wish, session_id, principal = acceptance, acceptance.session_id, acceptance.principal
        (there,) = await self._link.run(command("HGET", scripts.granted(session_id), INVITED + wish.name))
        if there is None or json.loads(there)[1] != wish.secret:
            return None  # before anything is entered in an index
        names = (INVITED + wish.name, wish.secret, principal, TAKES_PART + principal)
        entered = command("SADD", scripts.joined(principal), session_id)
        # One after the other, also where they lie on different nodes.
        await self._link.run(entered)
        (role,) = await self._link.run(call(ACCEPT, _keys(session_id), *names, repr(wish.at)))
        if role is None:
            await self._leave(session_id, principal)
        else:
            await self._link.run(entered)
        return role

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        (found,) = await self._link.run(command("HGET", scripts.granted(session_id), TAKES_PART + principal))
        return None if found is None else json.loads(found)[0]

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        (found,) = await self._link.run(command("HGETALL", scripts.granted(session_id)))
        return _grants(session_id, found)

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        (gone,) = await self._link.run(call(REMOVE, _keys(session_id), INVITED + name, repr(now)))
        return bool(gone)

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        (gone,) = await self._link.run(call(REMOVE, _keys(session_id), TAKES_PART + principal, repr(now)))
        await self._leave(session_id, principal)
        return bool(gone)

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        (names,) = await self._link.run(command("SMEMBERS", scripts.joined(principal)))
        if not names:
            return []
        found = await self._link.run(
            *(command("HGET", scripts.granted(name), TAKES_PART + principal) for name in names)
        )
        parts = [
            _participant(name, principal, value) for name, value in zip(names, found, strict=True) if value is not None
        ][:MOST_SESSIONS]
        heads = await self._listings.heads([part.session_id for part in parts]) if parts else []
        return [(part, head) for part, head in zip(parts, heads, strict=True) if head is not None]

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        entered = [command("SADD", scripts.joined(part.principal), part.session_id) for part in grants.participants]
        values = [(part.session_id, _takes_part(part)) for part in grants.participants]
        values += [(each.session_id, _invited(each)) for each in grants.invitations]
        if values:
            await self._link.run(*entered, *(call(PUT, _keys(session_id), *words) for session_id, words in values))

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        count = 0
        async for keys in self._link.keys(ALL):
            if not keys:
                continue
            found = await self._link.run(*(command("HGETALL", key) for key in keys))
            gone = [command("HDEL", key, TAKES_PART + principal) for key in keys]
            gone += [
                command("HDEL", key, *names)
                for key, held in zip(keys, found, strict=True)
                if (names := _invitations_for(principal, held))
            ]
            count += sum((await self._link.run(*gone))[: len(keys)])
        await self._link.run(command("DEL", scripts.joined(principal)))
        return count

    async def _leave(self, session_id: str, principal: str) -> None:
        """Take a session out of an index, unless it is entered anew meanwhile."""
        await self._link.run(command("SREM", scripts.joined(principal), session_id))
        if await self.role(session_id, principal) is not None:
            await self._link.run(command("SADD", scripts.joined(principal), session_id))


async def drop(link: RedisLink, session_id: str) -> None:
    """Forget all that is granted of a session that has been marked as forgotten."""
    key = scripts.granted(session_id)
    (names,) = await link.run(command("HKEYS", key))
    indexes = [scripts.joined(name.removeprefix(TAKES_PART)) for name in names if name.startswith(TAKES_PART)]
    await link.run(*(command("SREM", index, session_id) for index in indexes), command("DEL", key))


def _keys(session_id: str) -> list[str]:
    return [scripts.head(session_id), scripts.granted(session_id)]


def _invited(invitation: Invitation) -> tuple[str, str]:
    times = (invitation.invited_at, invitation.expires_at)
    value = json.dumps([invitation.role, invitation.secret, invitation.person, *times])
    return INVITED + invitation.name, value


def _takes_part(part: Participant) -> tuple[str, str]:
    return TAKES_PART + part.principal, json.dumps([part.role, part.since], separators=(",", ":"))


def _participant(session_id: str, principal: str, value: str) -> Participant:
    role, since = json.loads(value)
    return Participant(session_id=session_id, principal=principal, role=role, since=since)


def _invitations_for(principal: str, held: Mapping[str, str]) -> list[str]:
    return [name for name, value in held.items() if name.startswith(INVITED) and json.loads(value)[2] == principal]


def _grants(session_id: str, held: Mapping[str, str]) -> Grants:
    invitations: list[Invitation] = []
    participants: list[Participant] = []
    for name, value in held.items():
        if name.startswith(TAKES_PART):
            participants.append(_participant(session_id, name.removeprefix(TAKES_PART), value))
            continue
        role, secret, person, invited_at, expires_at = json.loads(value)
        invitations.append(
            Invitation(
                session_id=session_id,
                name=name.removeprefix(INVITED),
                role=role,
                secret=secret,
                person=person,
                invited_at=invited_at,
                expires_at=expires_at,
            )
        )
    return Grants(
        tuple(sorted(invitations, key=lambda each: (each.invited_at, each.name))),
        tuple(sorted(participants, key=lambda each: (each.since, each.principal))),
    )
