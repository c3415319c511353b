"""The contributions to a consultation: who is asked, whose text it is that the caller sent, and who failed.

When they are asked, and what is made of their drafts, is ``consulting``'s work.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from companions.edits import texts_of
from companions.errors import CompanionsError, StoreError, UnknownNameError
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller
from sessions.consultations import Begun, all_failed
from sessions.questions import Question
from sessions.running import Running
from sessions.session import Session
from sessions.steps import Desk
from sessions.workflows import failures


@dataclass(slots=True, kw_only=True)
class Contributing:
    """One call's share of the contributions.

    Attributes:
        failed: Who failed in this call.
    """

    desk: Desk
    session: Session
    question: Question
    caller: Caller
    run: Running
    failed: dict[str, CompanionsError] = field(default_factory=dict[str, CompanionsError])

    async def turn(self, begun: Begun, missing: Sequence[str]) -> str:
        """Say whose text comes next: the caller writes for those alone who have no model, and for nobody who failed."""
        waiting = [name for name in missing if name not in failures(begun.known)]
        for name in waiting:
            if await self._by_caller(name, begun.query.text):
                return name
        return waiting[0] if waiting else self.question.synthesizer

    async def ask(self, query: str, names: Sequence[str], text_for: str | None, *, already: int) -> Answer | None:
        """Have companions draft, all at once; gives the first draft that the caller is to write.

        Args:
            query: What they are asked.
            names: Who is asked.
            text_for: Whose draft the caller's text is.
            already: How many have contributed before.

        Raises:
            CompanionsError: All failed: the first one's. One that fails among others is only told.
        """
        requests: list[Request] = []
        for name in names:
            await self.session.wake(name)  # one after the other: with the store away, none can be read beside a write
            slot = (await self.session.look(name)).slot
            earlier = slot is not None and slot.draft is not None and query in texts_of(slot.query)
            text = self.question.text if name == text_for else None
            requests.append(self.request(query, text=text, redo=earlier))
        given = await asyncio.gather(*map(self._contribution, names, requests), return_exceptions=True)
        if (broken := next((each for each in given if isinstance(each, BaseException)), None)) is not None:
            raise broken
        if self.failed and not already and len(self.failed) == len(names):
            raise all_failed([self.failed[name] for name in names])
        return next((each for each in given if isinstance(each, Answer) and each.status == "write"), None)

    def request(self, query: str, **asked: Any) -> Request:
        """Make the request for a draft, as the question wants it."""
        question = self.question
        return Request(step="draft", query=query, sampling=question.sampling, text_limit=question.text_limit, **asked)

    async def show(self, answer: Answer) -> None:
        """Show a draft that was made to whoever watches."""
        if self.caller.on_step is not None:
            await self.caller.on_step(answer)

    async def _contribution(self, name: str, request: Request) -> Answer | None:
        """Have one contributor draft; ``None`` if it failed."""
        caller = replace(self.caller, on_text=partial(self.run.hear, name))
        try:
            answer = await self.desk.step(self.session, name, request, caller)
        except StoreError:
            raise
        except CompanionsError as error:
            self.failed[name] = error
            if self.caller.on_failure is not None:
                await self.caller.on_failure(name, error)
            return None
        if answer.status == "done":
            self.run.told = f"{name} has drafted"
            await self.show(answer)
        return answer

    async def _by_caller(self, name: str, query: str) -> bool:
        request = self.request(query, redo=True)
        try:
            wanted = await self.desk.wanted(await self.session.look(name), request)
        except UnknownNameError:  # its file is gone, which is told when it is asked
            return False
        return wanted.sampling(request.sampling).execution_mode == "client"
