"""Asked before each call of a model: may it be made, within what its loop, session and owner may spend?

It estimates the call, sets the estimate aside while the call is under way, and counts what the call really used.
Where what is stored tells of a call, that is what counts; what is compared with what is ``budgets``'s work.
"""

import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from companions.errors import ConflictError, ModelError, ModelReplyError, ModelTimeoutError, ReplyLengthError
from companions.model_catalog import OFFLINE
from companions.models import Model, OnText, Task, Written
from companions.prices import Prices
from sessions.accounts import Account, Call
from sessions.budgets import LOOP, OWNER_DAY, SESSION, Budgets, Loop, Spent, cost_of
from sessions.estimates import BYTES_PER_TOKEN, WROTE, Limit, Room, estimated, room
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.usage import ASKED, COST, ESTIMATED, LARGEST, Counts, Sums, counts, date_of, in_all, merged, tokens

OWNERS = 1_000
"""Owners whose accounts are kept; those that were used longest ago are begun anew from what is stored."""
LOOPS = 1_000
"""Loops of which it is remembered what calls used that nothing stored tells of; the oldest are forgotten first."""


@dataclass(slots=True)
class Spending:
    """The calls of one step, and what they are allowed by."""

    allowance: "Allowance"
    sessions: Sessions
    session: Session
    loop: Loop | None
    _calls: list[Call] = field(default_factory=list[Call])
    _written: list[tuple[Written, Call]] = field(default_factory=list[tuple[Written, Call]])

    def model(self, model: Model) -> Model:
        """Give a model that is asked only as far as there is something to spend; the offline editor is free."""
        return model if model.name == OFFLINE else _Counted(model, self)

    def end(self, *, stored: bool) -> None:
        """Let go of the calls: what is stored of them is in the session's sums by now, the rest is remembered."""
        account = self._account
        account.day.see(self.session.session_id, self.session.shown)
        for call in self._calls:
            account.open.remove(call)
            if call.counts and (call.lost or not stored):
                account.lose(call)
                self.allowance.lose(call)
        self._calls.clear()

    def drop(self, texts: Sequence[Written]) -> None:
        """Note that nothing stored will tell of what was written."""
        for written, call in self._written:
            call.lost |= any(written is each for each in texts)

    async def begin(self, model: str, task: Task) -> tuple[Call, Room | None]:
        """Set aside what a call is estimated at, and say how long its reply may be where little is left.

        Raises:
            BudgetError: It may not be made.
            StoreError: The store is away, and what was spent today cannot be told without it.
        """
        account, limits = self._account, self.allowance.limits
        session, day = self.session, date_of(time.time())
        account.day.turn(day)
        if limits.session and session.counted < session.place.head and not session.place.flying:
            await self.sessions.count_again(session)
        if limits.owner_day:
            await account.day.look(self.sessions, session.place.owner)
        # Nothing is awaited between what is known now and the call's own mark: no other call slips in.
        prompt = sum(len(message.text.encode(errors="replace")) for message in task.messages)
        prompt += sum(each.reckoned for message in task.messages for each in message.attachments)
        measured = account.measured(session.session_id, model)
        largest = measured.largest or in_all(session.shown).get(model, {}).get(LARGEST, 0)
        most = task.sampling.max_tokens
        estimate = estimated(prompt, measured, largest, most)
        left = room(self._limits(day), model, estimate, self.allowance.prices, most)
        call = Call(session_id=session.session_id, model=model, day=day, prompt=prompt, counts=estimate, loop=self.loop)
        account.open.append(call)
        self._calls.append(call)
        return call, left

    def written(self, call: Call, written: Written) -> Written:
        """Count what a call used; gives the text with what its entry has to tell of that."""
        told: dict[str, Any] = {ASKED: call.model}
        if tokens(written.usage):
            self._account.measure(call, written.usage)
        else:
            size = len(written.text.encode(errors="replace"))
            told[ESTIMATED] = {
                "input_tokens": math.ceil(call.prompt / BYTES_PER_TOKEN),
                "output_tokens": math.ceil(size / BYTES_PER_TOKEN),
            }
        used, prices = counts(written.usage, told.get(ESTIMATED, {})), self.allowance.prices
        if (cost := cost_of(call.model, used, prices)) is not None:
            told[COST] = {"amount": round(cost, 9), "currency": prices.currency}
        self._used(call, used)
        told_of = replace(written, meta={**written.meta, **told})
        self._written.append((told_of, call))
        return told_of

    def failed(self, call: Call, error: BaseException, left: Room | None) -> None:
        """Count a call that failed: what was refused or not reached cost nothing, the rest may have been paid for.

        Raises:
            BudgetError: The reply was cut since no more was left for it.
        """
        if isinstance(error, ModelError) and not isinstance(error, ModelTimeoutError | ModelReplyError):
            self._used(call, {})
            return
        call.lost = True
        if left is None or not isinstance(error, ReplyLengthError):
            self._used(call, call.counts)
            return
        self._used(call, call.counts | {WROTE: left.most})
        raise left.limit.cut(call.model, left.most, self.allowance.prices.currency) from error

    def tally(self, model: str, seconds: float, *, failed: bool) -> None:
        """Note how long a call took, and whether it failed."""
        tally = self._account.tally(model)
        tally.calls += 1
        tally.failures += failed
        tally.seconds += seconds

    @property
    def _account(self) -> Account:
        return self.allowance.account(self.session.place.owner)

    def _used(self, call: Call, used: Counts) -> None:
        call.counts, call.under_way = used, False
        if call.loop is not None:
            call.loop.spent += Spent.of({call.model: used}, self.allowance.prices)

    def _limits(self, day: str) -> list[Limit]:
        limits, found = self.allowance.limits, list[Limit]()
        if self.loop is not None:
            spent = sum((self._spent({each.model: each.counts}) for each in self._loop_calls()), self.loop.spent)
            found.append(Limit(scope=LOOP, budget=self.loop.budget, spent=spent))
        if limits.session:
            found.append(Limit(scope=SESSION, budget=limits.session, spent=self._spent(self._session())))
        if limits.owner_day:
            found.append(Limit(scope=OWNER_DAY, budget=limits.owner_day, spent=self._spent(self._day(day))))
        return found

    def _loop_calls(self) -> list[Call]:
        return [call for call in self._account.open if call.under_way and call.loop is self.loop]

    def _session(self) -> Sums:
        session = self.session
        return merged([in_all(session.shown), self._account.unstored(session_id=session.session_id)])

    def _day(self, day: str) -> Sums:
        account = self._account
        account.day.see(self.session.session_id, self.session.shown)
        return merged([account.day.sums(), account.unstored(day=day)])

    def _spent(self, sums: Sums) -> Spent:
        return Spent.of(sums, self.allowance.prices)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A model whose calls are allowed and counted."""

    asked: Model
    spending: Spending

    @property
    def name(self) -> str:
        return self.asked.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        call, left = await self.spending.begin(self.name, task)
        if left is not None:
            task = replace(task, sampling=replace(task.sampling, max_tokens=left.most))
        started, failed = time.monotonic(), True
        try:
            written = await self.asked.write(task, on_text)
            failed = False
        except BaseException as error:
            self.spending.failed(call, error, left)
            raise
        finally:
            self.spending.tally(self.name, time.monotonic() - started, failed=failed)
        return self.spending.written(call, written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What calls of models may spend, and what they have spent.

    Attributes:
        limits: What may be spent; without any, every call is allowed and counted all the same.
        prices: What models cost.
    """

    limits: Budgets = field(default_factory=Budgets)
    prices: Prices = field(default_factory=Prices)
    _accounts: OrderedDict[str, Account] = field(default_factory=OrderedDict[str, Account])
    _lost: OrderedDict[str, Spent] = field(default_factory=OrderedDict[str, Spent])

    def account(self, owner: str) -> Account:
        """Give an owner's account."""
        account = self._accounts.setdefault(owner, Account())
        self._accounts.move_to_end(owner)
        if len(self._accounts) > OWNERS:
            idle = next((name for name, each in self._accounts.items() if not each.open and name != owner), None)
            self._accounts.pop(idle or "", None)
        return account

    def lose(self, call: Call) -> None:
        """Remember of a call's loop what was used and nothing stored tells."""
        name = "" if call.loop is None else call.loop.name
        if not name:
            return
        self._lost[name] = self.lost(name) + Spent.of({call.model: call.counts}, self.prices)
        self._lost.move_to_end(name)
        while len(self._lost) > LOOPS:
            self._lost.popitem(last=False)

    def lost(self, loop: str) -> Spent:
        """Give what a loop used, as far as this process saw it, that nothing stored tells of."""
        return self._lost.get(loop, Spent())

    @contextlib.contextmanager
    def spending(self, sessions: Sessions, session: Session, loop: Loop | None = None) -> Generator[Spending]:
        """Let the models that ``Spending.model`` gives be asked, until what they wrote is stored.

        Args:
            sessions: Where the session and its owner's others are.
            session: Whose budget, and whose owner's, the calls are on.
            loop: A budget of their own besides.
        """
        spending = Spending(self, sessions, session, loop)
        try:
            yield spending
        except ConflictError:
            spending.end(stored=True)  # what lost is kept beside the other's text, with what it used
            raise
        except BaseException:
            spending.end(stored=False)
            raise
        spending.end(stored=True)
