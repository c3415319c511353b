"""The wire to Ollama's own API: its SDK's client, and LangChain's chat model that asks through it.

It opens and closes; for which event loop is ``provider_line``'s work, and what is asked ``langchain_models``'s.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from companions.providers import Account
from companions.retrying_http import idle, open_http

if TYPE_CHECKING:
    import httpx
    import ollama
    from langchain_ollama import ChatOllama

OLLAMA_URL = "http://127.0.0.1:11434"
NOBODY = "ollama"
"""The name in the chat model that those of all names are copied from."""


class OllamaSDK(NamedTuple):
    """What is used of the provider's SDK and LangChain's integration of it."""

    chat: "type[ChatOllama]"
    client: "type[ollama.AsyncClient]"


class OllamaOpened(NamedTuple):
    """An open client, and a chat model that asks through it."""

    client: "ollama.AsyncClient"
    chat: "ChatOllama"


def load_ollama() -> OllamaSDK:
    """Import the provider's SDK: never in the event loop, and nowhere else."""
    import ollama  # noqa: PLC0415 -- deferred, see above; so is the next
    from langchain_ollama import ChatOllama  # noqa: PLC0415

    return OllamaSDK(ChatOllama, ollama.AsyncClient)


class OllamaWire:
    """The ``Wire`` protocol over Ollama's SDK."""

    def load(self) -> None:
        """Import the SDK."""
        load_ollama()

    def open(self, account: Account) -> OllamaOpened:
        """Open a client; nothing is taken from ``OLLAMA_*`` variables."""
        sdk, url = load_ollama(), account.url or OLLAMA_URL

        def open_client(**options: Any) -> "httpx.AsyncClient":
            given = {name: value for name, value in options.pop("headers").items() if name != "authorization"}
            key = {} if account.key is None else {"authorization": f"Bearer {account.key}"}
            return open_http(headers=given | key, auth=_person(url), **options)

        class Client(sdk.client):
            def __init__(self) -> None:
                # The next but one takes what opens the HTTP client; the next always opens a plain one.
                super(sdk.client, self).__init__(open_client, url)  # pyright: ignore[reportUnknownMemberType] -- not typed

            async def chat(self, *places: Any, **asked: Any) -> Any:
                """Ask with pictures as bytes: of a text the SDK would look whether it is the path of a file."""
                messages: Sequence[Mapping[str, Any]] = asked.get("messages") or ()
                if any(message.get("images") for message in messages):
                    asked["messages"] = await asyncio.to_thread(lambda: [*map(_with_bytes, messages)])
                return await super().chat(*places, **asked)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- not typed

        client, chat = Client(), sdk.chat(model=NOBODY, base_url=OLLAMA_URL, client_kwargs=idle())
        # The one that it has made belongs to no event loop of ours, and asks once.
        chat._async_client = client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- it takes none; tested
        return OllamaOpened(client, chat)

    def chat(self, opened: OllamaOpened, model: str) -> "ChatOllama":
        """Make the chat model of that name; copies share the client."""
        return opened.chat.model_copy(update={"model": model})

    async def close(self, opened: OllamaOpened) -> None:
        """Close the client."""
        await opened.client.close()


def _person(url: str) -> tuple[str, str] | None:
    """Read who asks, where the URL of a proxy says so; the SDK drops it."""
    given = urlsplit(url)
    return None if given.username is None else (unquote(given.username), unquote(given.password or ""))


def _with_bytes(message: Mapping[str, Any]) -> dict[str, Any]:
    return {**message, "images": [b64decode(image) for image in message.get("images") or ()]}
