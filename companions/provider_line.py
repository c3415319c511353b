"""The line to a provider: one client for each event loop that asks, opened when it asks and closed in the end.

It knows no SDK: what a client is, and how a chat model asks through it, is its wire's work. OpenAI's line is
``openai_line``.
"""

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from companions.errors import ModelError
from companions.providers import Account, Provider

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Opened = TypeVar("Opened")


class Line(Protocol):
    """What a catalog holds of a provider."""

    def load(self) -> None:
        """Import the provider's SDK, which may take a second: never in the event loop."""
        ...

    async def chat(self, model: str) -> "BaseChatModel":
        """Give the chat model of that name, ready for this event loop. Raises ``ModelError``."""
        ...

    async def aclose(self) -> None:
        """Close what this event loop opened."""
        ...


class Wire(Protocol[Opened]):
    """One provider's SDK and LangChain's integration of it. All but ``close`` may block."""

    def load(self) -> None:
        """Import them. Raises ``ImportError`` where they are not installed."""
        ...

    def open(self, account: Account) -> Opened:
        """Open a client, which reads nothing from the environment but proxies and certificates."""
        ...

    def chat(self, opened: Opened, model: str) -> "BaseChatModel":
        """Make the chat model of that name, which asks through the client."""
        ...

    async def close(self, opened: Opened) -> None:
        """Close the client."""
        ...


class ProviderLine(Generic[Opened]):
    """A line over any wire.

    Args:
        provider: Whose it is.
        account: How it is reached.
        wire: Its SDK.
    """

    def __init__(self, provider: Provider, account: Account, wire: Wire[Opened]) -> None:
        self._provider = provider
        self._account = account
        self._wire = wire
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, Opened] = WeakKeyDictionary()
        self._opening = Lock()

    def load(self) -> None:
        """Import the provider's SDK; see ``Line``. One that is not installed is told to whoever asks."""
        self._wire.load()

    async def chat(self, model: str) -> "BaseChatModel":
        """Give the chat model of that name; see ``Line``.

        Raises:
            ModelError: The provider's extra is not installed, or no client can be made for the base URL.
        """
        try:  # in a thread: the first call imports the SDK and reads certificates
            return await asyncio.to_thread(self._chat, model, asyncio.get_running_loop())
        except ImportError as error:
            raise ModelError(
                f"What asks the provider {self._provider.name!r} is not installed.",
                self._provider.how_to_install,
                outage="away",
            ) from error
        except Exception as error:
            raise ModelError(
                f"No line to the provider of the model {model!r} can be opened.",
                f"Check the base URL ({self._provider.url}).",
                outage="away",
            ) from error

    async def aclose(self) -> None:
        """Close this event loop's client."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await self._wire.close(opened)

    def _chat(self, model: str, loop: asyncio.AbstractEventLoop) -> "BaseChatModel":
        with self._opening:
            if (opened := self._opened.get(loop)) is None:
                _ = urlsplit(self._account.url or "").port  # refuses what is no URL; not every SDK does before a call
                opened = self._opened[loop] = self._wire.open(self._account)
        return self._wire.chat(opened, model)
