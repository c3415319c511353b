"""What is known of how thinking goes: this process's own share of it, and what others have put into the store.

It adds up and keeps; what one slot tells is ``samples``'s to read, and when that happens ``learning``'s to say.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from companions.learned import UNLEARNED, Learned
from companions.patterns.sample import Sample
from companions.patterns.sums import NOTHING, Sums, SumsError, from_json, merged, period_at
from sessions.pattern_store import PatternStore, Share
from sessions.samples import WITHOUT

log = logging.getLogger("companions.learning")

Key = tuple[str, str]
"""A companion type and a model."""
KEYS = 200
"""Pairs of these that one process learns of: tables of prices can be long."""
OTHER = "other"
"""Stands for all models that nobody configured: their names are callers' words, which no other owner is to read."""
IDLE_SECONDS = 86_400.0
"""After this time without a change a process is taken for gone, and its shares are added up into one."""


@dataclass(slots=True)
class Own:
    """This process's share.

    Attributes:
        stored: What the store was seen to have of it.
        pending: What was learned since.
        version: The share's newest in the store; 0 before the first.
        process: Under whose name; another one once somebody took the share away.
        putting: What is being put, until it is known whether it was.
    """

    stored: Sums = NOTHING
    pending: Sums = NOTHING
    version: int = 0
    process: str = field(default_factory=lambda: secrets.token_hex(8))
    putting: tuple[Share, Sums] | None = None

    def begin_anew(self) -> None:
        """Let go of what was stored: it was folded into another share, or is to be forgotten."""
        self.stored, self.version, self.process = NOTHING, 0, secrets.token_hex(8)
        self.putting = None

    def drop_doubtful(self, now: float) -> None:
        """Let go of what would be counted twice or outweigh all else."""
        if self.putting is not None and now - self.putting[0].at > IDLE_SECONDS:
            self.begin_anew()  # it may have been put, and folded since
        if merged(self.stored, self.pending).period > period_at(now) + 1:
            self.begin_anew()  # the clock was wrong when this was learned
            self.pending = NOTHING


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """What was learned, by companion type and model.

    Attributes:
        configured: Names the models, as ``whole_name`` has them, that are told apart; all others are one.
        loaded: Whether the store was ever read; before that nothing is known of how much there is.
    """

    store: PatternStore
    configured: Callable[[], Collection[str]] = tuple
    loaded: bool = False
    _own: dict[Key, Own] = field(default_factory=dict[Key, Own])
    _others: dict[Key, Sums] = field(default_factory=dict[Key, Sums])
    _set_aside: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, companion_type: str, model: str) -> Sums:
        """Give what is known of a companion type with a model, as it weighs now."""
        return merged(*self._sums((companion_type, self._counted_as(model)))).aged_to(period_at(time.time()))

    def learned(self, companion_type: str, model: str) -> Learned:
        """Give what a new slot is judged by; a fault of learning fails no step."""
        try:
            sums = self.of(companion_type, model)
            return Learned.of(sums) if sums.slots else UNLEARNED
        except Exception:
            log.exception("what was learned of %s with %s cannot be said", companion_type, model)
            return UNLEARNED

    def add(self, companion_type: str, model: str, sample: Sample, at: float) -> None:
        """Count a slot that was over at a moment, in seconds since the epoch, which is not later than now."""
        key = companion_type, self._counted_as(model)
        if key not in self._own and len(self._own) >= KEYS:
            log.warning("of %s with %s nothing is learned here: there are %d such pairs", *key, KEYS)
            return
        own = self._own.setdefault(key, Own())
        own.pending = own.pending.and_sample(sample, min(at, time.time()))

    async def put(self) -> None:
        """Put what was learned here since it was last put.

        Raises:
            StoreError: The store failed; what was not put is put the next time.
        """
        async with self._one_at_a_time:
            await self._put_all()

    async def exchange(self) -> None:
        """Put what was learned here, and read what others have learned.

        Raises:
            StoreError: The store failed; what was not put is put the next time.
        """
        async with self._one_at_a_time:
            await self._put_all()
            shares = await self.store.shares()
            self._read(shares)
            await self._fold(shares)
            self.loaded = True

    async def forget(self, companion_type: str) -> int:
        """Forget what was learned of a companion type, everywhere; gives how many shares that were."""
        async with self._one_at_a_time:
            for name, model in self._keys(companion_type):
                self._own.pop((name, model), None)
                self._others.pop((name, model), None)
            return await self.store.drop_shares(companion_type)

    def rest(self) -> None:
        """Let go of the event loop; what is not put yet is put in the next."""
        self._one_at_a_time = asyncio.Lock()

    def _counted_as(self, model: str) -> str:
        return model if model in WITHOUT.values() or model in self.configured() else OTHER

    def _keys(self, companion_type: str) -> list[Key]:
        return [key for key in {*self._own, *self._others} if key[0] == companion_type]

    def _sums(self, key: Key) -> Iterable[Sums]:
        if (own := self._own.get(key)) is not None:
            yield from (own.stored, own.pending)
            if own.putting is not None:
                yield own.putting[1]
        if (others := self._others.get(key)) is not None:
            yield others

    async def _put_all(self) -> None:
        for key, own in list(self._own.items()):
            await self._put(key, own)

    async def _put(self, key: Key, own: Own) -> None:
        own.drop_doubtful(time.time())
        if own.putting is None:
            if not own.pending.slots:
                return
            whole = merged(own.stored, own.pending)
            share = Share(
                companion_type=key[0],
                model=key[1],
                process=own.process,
                version=own.version + 1,
                state=whole.to_json(),
                at=time.time(),
            )
            own.putting = share, own.pending
            own.pending = NOTHING
        share, put = own.putting
        # Until it is known whether it was put, its sums are told beside the stored ones, and put again just so.
        stands = await self.store.put_share(share)
        own.putting = None
        if stands:
            own.stored, own.version = merged(own.stored, put), share.version
        else:
            own.begin_anew()
            own.pending = merged(own.pending, put)

    def _read(self, shares: Iterable[Share]) -> None:
        others: dict[Key, list[Sums]] = {}
        there: set[tuple[str, str, str]] = set()
        for share in shares:
            there.add(share.name)
            key = share.companion_type, share.model
            own = self._own.get(key)
            if own is not None and own.process == share.process:
                continue
            if (sums := self._trusted(share)) is not None:
                others.setdefault(key, []).append(sums)
        for key, own in self._own.items():
            if own.version and (*key, own.process) not in there:
                own.begin_anew()
        self._others = {key: merged(*known) for key, known in others.items()}

    def _trusted(self, share: Share) -> Sums | None:
        try:
            return from_json(share.state, now=time.time())
        except SumsError as error:
            if share.name not in self._set_aside:
                self._set_aside.add(share.name)
                log.warning("what was learned of %s with %s by %s is set aside: %s", *share.name, error)
            return None

    async def _fold(self, shares: Iterable[Share]) -> None:
        """Add up the shares of processes that are gone, so that each start of a program does not leave one for ever."""
        idle: dict[Key, list[tuple[Share, Sums]]] = {}
        for share in shares:
            key = share.companion_type, share.model
            own = self._own.get(key)
            if share.at > time.time() - IDLE_SECONDS or (own is not None and own.process == share.process):
                continue
            if (sums := self._trusted(share)) is not None:
                idle.setdefault(key, []).append((share, sums))
        for (companion_type, model), known in idle.items():
            if len(known) < 2:  # noqa: PLR2004 - one is as few as can be
                continue
            after = Share(
                companion_type=companion_type,
                model=model,
                process=secrets.token_hex(8),
                version=1,
                state=merged(*(sums for _, sums in known)).to_json(),
                at=max(share.at for share, _ in known),
            )
            await self.store.fold_shares([share for share, _ in known], after)
