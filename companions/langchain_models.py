"""LangChain chat models as models of ours: one streamed call, heard piece by piece, within its bounds.

It asks and listens, and opens the line to an OpenAI-compatible provider. Which model a name means is
``model_catalog``'s work, what a reply is worth ``model_replies``'s, how faults are worded ``model_faults``'s.
"""

import asyncio
import re
from contextlib import aclosing
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from companions import model_faults
from companions.errors import ModelError
from companions.model_replies import Heard
from companions.models import Message, OnText, Sampling, Task, Written
from companions.patience import DEFAULT_BOUNDS, Bounds, Patience

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx2
    import openai
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk
    from langchain_openai import ChatOpenAI
    from langchain_openai.chat_models.base import BaseChatOpenAI

OPENAI_URL = "https://api.openai.com/v1"
RETRIES = 2
"""How often the client asks again after 408, 409, 429, 5xx or a failed connection, backing off in between."""
NO_KEY = "no-key"
"""Sent to a local server that wants no key; the SDK insists on one."""

# These answer 400 to a temperature other than 1. LangChain drops it from a constructor without a word, not from a call.
_ONE_TEMPERATURE = re.compile(r"(.*/)?(o\d|gpt-5(?!.*chat))", re.IGNORECASE)


class LangChainModel:
    """Any LangChain chat model as a model that writes our texts.

    Args:
        chat: The model to ask; one that cannot stream is heard as one piece.
        name: How it was asked for; by default what the chat model calls itself.
        bounds: How long a call may take.
    """

    def __init__(self, chat: "BaseChatModel", *, name: str | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._chat = chat
        self._asked = _own_name(chat)
        self._name = name or self._asked
        self._bounds = bounds

    @property
    def name(self) -> str:
        """How it was asked for."""
        return self._name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Write the task's text, streamed.

        Returns:
            The text. Its ``meta`` holds ``finish_reason``, ``seconds``, ``first_token_seconds``,
            ``response_metadata``, in ``sampling`` what was in force of temperature and max_tokens, and in ``not_sent``
            what of them was asked for and is not taken by the model.

        Raises:
            ModelTimeoutError: A bound was passed.
            ModelReplyError: The reply is cut, unreadable, empty, or was ended by a limit or filter.
            ModelError: The provider refused or could not be reached, after its client's own retries.
        """
        sent = self._to_send(task.sampling)
        heard, patience = Heard(on_text), Patience(self._bounds)
        try:
            async with patience, aclosing(self._stream(task.messages, sent)) as stream:
                await self._listen(stream, heard, patience)
        except TimeoutError as error:
            if not patience.expired:
                raise  # a listener's own
            if heard.finish is None:
                raise model_faults.late(patience, model=self._asked) from error
        meta = self._in_force(task.sampling, sent)
        return heard.written(asked=self._asked, max_tokens=meta["sampling"].get("max_tokens"), meta=meta)

    def _stream(self, prompt: tuple[Message, ...], sent: dict[str, Any]) -> "AsyncGenerator[AIMessageChunk]":
        stream = self._chat.astream([(message.role, message.text) for message in prompt], **sent)
        return cast("AsyncGenerator[AIMessageChunk]", stream)  # declared as an iterator; closing it ends the connection

    async def _listen(self, stream: "AsyncGenerator[AIMessageChunk]", heard: Heard, patience: Patience) -> None:
        """Hear the stream to its end; only what comes from the provider's side is turned into our errors."""
        while True:
            try:
                chunk = await anext(stream)
            except StopAsyncIteration:
                return
            except Exception as error:
                if heard.finish is not None:
                    return  # the reply is whole and paid for; what broke came behind its end
                raise model_faults.fault(error, model=self._asked, started=heard.started) from error
            patience.heard()
            heard.take(chunk)

    def _to_send(self, sampling: Sampling) -> dict[str, Any]:
        sent = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
        if sampling.temperature != 1 and _ONE_TEMPERATURE.match(self._asked):
            del sent["temperature"]
        return {name: value for name, value in sent.items() if value is not None}

    def _in_force(self, sampling: Sampling, sent: dict[str, Any]) -> dict[str, Any]:
        """Say what the call was made with: what was sent for it, else what the chat model always sends."""
        asked = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
        used = {name: sent.get(name, getattr(self._chat, name, None)) for name in asked}
        return {
            "sampling": {"execution_mode": "server"}
            | {name: value for name, value in used.items() if value is not None},
            "not_sent": {name: value for name, value in asked.items() if value is not None and name not in sent},
        }


def _own_name(chat: "BaseChatModel") -> str:
    names = (getattr(chat, "model_name", None), getattr(chat, "model", None), type(chat).__name__)
    return next(name for name in names if isinstance(name, str) and name)


class OpenAISDK(NamedTuple):
    """What is used of the provider's SDK and LangChain's integration of it."""

    chat: "type[ChatOpenAI]"
    compatible: "type[BaseChatOpenAI]"
    client: "type[openai.AsyncOpenAI]"
    http: "type[httpx2.AsyncClient]"


def load_openai() -> OpenAISDK:
    """Import the provider's SDK: over a second at first, so never in the event loop, and nowhere else."""
    import openai  # noqa: PLC0415 -- deferred, see above; so are the next two
    from langchain_openai import ChatOpenAI  # noqa: PLC0415
    from langchain_openai.chat_models.base import BaseChatOpenAI  # noqa: PLC0415

    return OpenAISDK(ChatOpenAI, BaseChatOpenAI, openai.AsyncOpenAI, openai.DefaultAsyncHttpxClient)


class OpenAILine:
    """The line to one OpenAI-compatible server: one HTTP client for each event loop that asks, opened when it asks.

    Nothing is taken from ``OPENAI_*`` variables; proxies and certificates are the HTTP client's usual ones.

    Args:
        api_key: The key; without one a placeholder is sent, which local servers accept.
        base_url: The server; OpenAI's by default.
    """

    def __init__(self, *, api_key: str | None = None, base_url: str | None = None) -> None:
        self._key = (api_key or "").strip() or NO_KEY
        self._url = (base_url or "").strip() or OPENAI_URL
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = WeakKeyDictionary()
        self._opening = Lock()

    async def chat(self, model: str) -> "BaseChatModel":
        """Give the chat model of that name, ready for this event loop.

        Raises:
            ModelError: No client can be made for the base URL.
        """
        try:  # in a thread: the first call imports the SDK and reads certificates
            return await asyncio.to_thread(self._chat, model, asyncio.get_running_loop())
        except Exception as error:
            raise ModelError(
                f"No line to the provider of the model {model!r} can be opened.",
                "Check the base URL (OPENAI_BASE_URL).",
            ) from error

    async def aclose(self) -> None:
        """Close this event loop's client."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _chat(self, model: str, loop: asyncio.AbstractEventLoop) -> "BaseChatModel":
        sdk, client = load_openai(), self._client(loop)
        # Servers other than OpenAI's know the older max_tokens; of them Ollama and LM Studio ignore
        # max_completion_tokens in silence, and Mistral refuses it.
        kind = sdk.chat if _is_openai(self._url) else sdk.compatible
        return kind(
            model=model,
            async_client=client.chat.completions,
            root_async_client=client,
            base_url=self._url,
            api_key=self._give_key,  # a coroutine function, so that no second, synchronous client is made
            output_version=None,
            stream_usage=True,
            stream_chunk_timeout=None,  # our own bounds count
        )

    async def _give_key(self) -> str:
        return self._key

    def _client(self, loop: asyncio.AbstractEventLoop) -> "openai.AsyncOpenAI":
        with self._opening:
            if (client := self._clients.get(loop)) is None:
                client = self._clients[loop] = self._open()
            return client

    def _open(self) -> "openai.AsyncOpenAI":
        sdk = load_openai()
        hooks = {"request": [_note_request], "response": [_note_response]}
        client = sdk.client(
            api_key=self._key,
            base_url=self._url,
            max_retries=RETRIES,
            timeout=None,  # ours are wider than a read: they bound silence and the whole call
            http_client=sdk.http(event_hooks=hooks, timeout=None),
        )
        # The SDK fills these from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS, whatever it is given.
        client.organization = client.project = None
        client._custom_headers = {}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- it has no public name; tested
        return client


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.endswith(("api.openai.com", ".azure.com"))


async def _note_request(_: "httpx2.Request") -> None:
    if patience := Patience.current():
        patience.heard()


async def _note_response(response: "httpx2.Response") -> None:
    patience = Patience.current()
    if patience is not None and response.is_error:
        patience.refused(response.status_code)
