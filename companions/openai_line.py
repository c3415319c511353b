"""The line to an OpenAI-compatible provider: its HTTP clients, and the chat models that ask through them.

It opens and closes; what is asked, and within which bounds, is ``langchain_models``'s work.
"""

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from companions.errors import ModelError
from companions.native_sessions import digest
from companions.signs_of_life import note_request, note_response

if TYPE_CHECKING:
    import httpx2
    import openai
    from langchain_core.language_models import BaseChatModel
    from langchain_openai import ChatOpenAI
    from langchain_openai.chat_models.base import BaseChatOpenAI
    from openai.resources.responses import AsyncResponses

OPENAI_URL = "https://api.openai.com/v1"
RETRIES = 2
"""How often the client asks again after 408, 409, 429, 5xx or a failed connection, backing off in between."""
NO_KEY = "no-key"
"""Sent to a local server that wants no key; the SDK insists on one."""


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

    def load(self) -> None:
        """Import the provider's SDK."""
        load_openai()

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
                outage="away",
            ) from error

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._url

    @property
    def account(self) -> str:
        """Whose what it keeps is: the digest of the server and the key."""
        return digest(self._url, self._key)

    async def responses(self) -> "AsyncResponses":
        """Give the SDK's line to the Responses API, ready for this event loop."""
        loop = asyncio.get_running_loop()
        # In a thread, as above; and what is asked for imports a part of the SDK that chat completions do without.
        return await asyncio.to_thread(lambda: self._client(loop).responses)

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
        hooks = {"request": [note_request], "response": [note_response]}
        client = sdk.client(
            api_key=self._key,
            base_url=self._url,
            max_retries=RETRIES,
            timeout=None,  # ours are wider than a read: they bound silence and the whole call
            # A redirected request would take the prompt along to another host.
            http_client=sdk.http(event_hooks=hooks, timeout=None, follow_redirects=False),
        )
        # The SDK fills these from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS, whatever it is given.
        client.organization = client.project = None
        client._custom_headers = {}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- it has no public name; tested
        return client


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.endswith(("api.openai.com", ".azure.com"))
