"""Drafts asked through OpenAI's Responses API, which keeps them: only what is new is sent, where that says it all.

It chooses between what is new, the whole history, and chat completions. Whether a response holds what a draft is to be
told is ``native_sessions``'s to say, the events of an answer are read by ``responses_stream``, and the bounds of a call
are ``langchain_models``'s.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.chats import Chat
from companions.errors import ModelError
from companions.langchain_models import LangChainModel
from companions.models import OnText, Task, Written
from companions.native_sessions import FellBack, KeptResponse, NativeSession, digest
from companions.patience import Bounds
from companions.responses_api import ResponsesAPI
from companions.responses_stream import ResponsesChat

LEAST_SECONDS = 0.001


class NativeModel:
    """A model whose drafts its provider keeps.

    Args:
        model: Its name, as the provider knows it.
        api: Where it is asked.
        name: How it was asked for.
        bounds: How long a call may take, a second attempt included.
    """

    def __init__(self, model: str, api: ResponsesAPI, *, name: str, bounds: Bounds) -> None:
        self._model = model
        self._api = api
        self._name = name
        self._bounds = bounds

    async def write(self, task: Task, native: NativeSession, on_text: OnText | None = None) -> Written:
        """Write a draft; see ``LangChainModel.write``.

        Its ``meta`` holds under ``native`` what the next draft needs to go on from it, in ``sent`` whether it was told
        what is ``new`` or the ``whole``, and in ``fell_back`` why the whole, where what is new should have done.
        """
        system = (message.text for message in task.messages if message.role == "system")
        line = digest(self._model, self._api.line.url, *system)
        draft = _Draft(
            task=task, native=native, line=line, on_text=on_text, ends=time.monotonic() + self._bounds.total_seconds
        )
        tried = _Tried(fell_back="edited" if native.edited else None)
        try:
            return _noted(await self._tried(draft, tried), tried)
        except ModelError as error:
            if tried.retries:
                error.retries = tried.retries + (error.retries or 0)
            raise

    async def _tried(self, draft: "_Draft", tried: "_Tried") -> Written:
        """Try what is new, the whole history, and chat completions, as far as it needs."""
        for before in dict.fromkeys([draft.native.response_to_go_on_from(draft.line), None]):
            if not self._api.usable:
                tried.fell_back = "unsupported"
                break
            chat = ResponsesChat(self._api.line, self._model, before)
            asked = await self._ask(draft, chat, new_only=before is not None)
            if isinstance(asked, Written):
                return asked
            tried.fell_back, tried.retries = asked, tried.retries + chat.retries
        completions = await self._api.line.chat(self._model)
        return await self._bounded(completions, draft).write(draft.task, draft.on_text)

    async def _ask(self, draft: "_Draft", chat: ResponsesChat, *, new_only: bool) -> Written | FellBack:
        """Ask once: for what follows a response, or all there is; gives why the server cannot be asked so."""
        try:
            written = await self._bounded(chat, draft).write(draft.task, draft.on_text)
        except BaseException as error:
            if (kept := self._kept(chat)) is not None:
                self._api.delete_later([kept])  # nothing that is stored will name it
            if not isinstance(error, ModelError) or chat.refused is None:
                raise
            if chat.refused == "unsupported":
                self._api.give_up()
            return chat.refused
        if (kept := self._kept(chat)) is None:
            return _with(written, {"sent": "new" if new_only else "whole"})
        self._api.made(kept)
        return _with(written, draft.native.written(draft.line, kept, written.text, new_only=new_only))

    def _kept(self, chat: ResponsesChat) -> KeptResponse | None:
        return None if chat.response is None else KeptResponse(chat.response, self._api.line.account)

    def _bounded(self, chat: Chat, draft: "_Draft") -> LangChainModel:
        left = replace(self._bounds, total_seconds=max(draft.ends - time.monotonic(), LEAST_SECONDS))
        return LangChainModel(chat, name=self._name, bounds=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What is to be written.

    Attributes:
        line: The digest of who is asked, and by which instructions.
        ends: When the call's time is up, in ``time.monotonic`` seconds.
    """

    task: Task
    native: NativeSession
    line: str
    on_text: OnText | None
    ends: float


@dataclass(slots=True, kw_only=True)
class _Tried:
    """What came of the attempts that were given up.

    Attributes:
        fell_back: Why the whole is sent, where what is new should have done.
        retries: How often their client asked again.
    """

    fell_back: FellBack | None
    retries: int = 0


def _noted(written: Written, tried: _Tried) -> Written:
    """Note why attempts before this one were given up, and what their client had asked again by then."""
    if tried.fell_back is None:
        return written
    retries = tried.retries + (written.meta.get("retries") or 0)
    written = replace(written, meta={**written.meta, "retries": retries})
    return _with(written, {"sent": "whole", **written.meta.get("native", {}), "fell_back": tried.fell_back})


def _with(written: Written, native: Mapping[str, Any]) -> Written:
    return replace(written, meta={**written.meta, "native": native})
