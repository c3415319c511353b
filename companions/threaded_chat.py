"""Both sides of a LangChain chat model: one for calls that await in the caller's event loop, one for those that cannot.

Chat models keep connections in their asynchronous clients, and those belong to the event loop that opened them: in the
loop that the next synchronous call brings they fail, measured with ``ChatOpenAI`` at every second call. Their
synchronous clients belong to nobody. Prompts and bounds are ``langchain_models``'s work.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from contextvars import copy_context
from threading import Event, Thread
from typing import Any, NamedTuple, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from companions.langchain_models import LangChainModel
from companions.models import Model
from companions.offline import OfflineEditor

OFFLINE = "offline"


class Sides(NamedTuple):
    """Who writes for a call that awaits, and for one that cannot."""

    awaited: Model
    threaded: Model


def sides(llm: object) -> Sides:
    """Make models of ours of what a companion in Python is given to write with.

    Raises:
        TypeError: It is neither a LangChain chat model nor ``"offline"``.
    """
    if isinstance(llm, BaseChatModel):
        # It answers all that LangChainModel asks of a chat model.
        return Sides(LangChainModel(llm), LangChainModel(cast("BaseChatModel", ThreadedChat(llm))))
    if llm == OFFLINE:
        return Sides(OfflineEditor(), OfflineEditor())
    raise TypeError(  # its value is not told: someone may have passed a key
        f"llm must be a LangChain chat model or {OFFLINE!r}, not {type(llm).__name__!r}. "
        "Pass for example ChatOpenAI(model=...)."
    )


class ThreadedChat:
    """Answers ``astream`` from the chat model's ``stream``; all else is the chat model's own."""

    def __init__(self, chat: BaseChatModel) -> None:
        self._chat = chat
        self.model_name = LangChainModel(chat).name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chat, name)

    async def astream(self, prompt: list[tuple[str, str]], **sent: Any) -> AsyncGenerator[AIMessageChunk]:
        """Stream from a thread that nobody waits for: one that hangs keeps neither the call nor the process."""
        loop, gone = asyncio.get_running_loop(), Event()
        heard: asyncio.Queue[AIMessageChunk | Exception | None] = asyncio.Queue()

        def tell(piece: AIMessageChunk | Exception | None) -> bool:
            with suppress(RuntimeError):  # the loop is closed: the call has ended without us
                loop.call_soon_threadsafe(heard.put_nowait, piece)
            return gone.is_set()

        def listen() -> None:
            try:
                any(tell(chunk) for chunk in self._chat.stream(prompt, **sent))  # stops once nobody hears
                tell(None)
            except Exception as error:  # noqa: BLE001 - raised again in the loop, for whoever asked
                tell(error)

        # In the caller's context, by which LangChain knows whose run this is.
        Thread(target=copy_context().run, args=(listen,), name="companion-model", daemon=True).start()
        try:
            while (piece := await heard.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            gone.set()
