"""Models by name: which model a name means, and what has to be set for it.

It takes options and never reads the environment, and it asks no model itself: that is ``langchain_models``'s work.
What is known of each provider stands in ``providers``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from companions.errors import ModelError, UnknownNameError
from companions.langchain_models import LangChainModel
from companions.models import Model, OnText, Task, Written
from companions.native_models import NativeModel
from companions.openai_line import OpenAILine
from companions.patience import DEFAULT_BOUNDS, Bounds
from companions.provider_line import Line
from companions.provider_lines import open_lines
from companions.providers import OPENAI, PROVIDERS, Account, Provider, provider_of
from companions.responses_api import ResponsesAPI
from companions.untraced import untraced

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OFFLINE = "offline"
FINE_TUNED = "ft"
"""OpenAI's own names of fine-tuned models begin with ``ft:``."""
WARM_SECONDS = 0.5
NAME_CHARACTERS = 200
"""Longest name of a model; names come from callers and stand in errors and entries."""

HOW_TO_NAME = f"Name it as {', '.join(f'{provider}:NAME' for provider in PROVIDERS)}, NAME or offline."


def whole_name(name: str) -> str:
    """Give the name of its own that a model bears, of all those by which ``ModelCatalog`` knows it."""
    wanted = name.strip()
    if wanted == OFFLINE:
        return wanted
    provider, _, rest = wanted.partition(":")
    return f"{provider}:{rest.strip()}" if provider in PROVIDERS else f"{OPENAI.name}:{wanted}"


class ModelCatalog:
    """Gives the model that a name means.

    ``offline`` is the built-in editor. ``anthropic:NAME``, ``google:NAME`` and ``ollama:NAME`` ask those providers;
    ``openai:NAME`` and a bare ``NAME`` ask the OpenAI-compatible server. Everything after the provider's colon is the
    name, further colons included (``openai:llama3.2:3b``). A bare name with colons is taken whole when a base URL is
    set, since names of local servers look so (``llama3.2:3b``), and so are OpenAI's own ``ft:...``; without a base URL
    what stands before its colon is an unknown provider.

    Args:
        offline: The built-in editor.
        default: The model for whoever names none: any name that ``get`` knows, or None if none is configured.
        openai_api_key: OpenAI's key.
        openai_base_url: An OpenAI-compatible server instead of OpenAI's; needs no key.
        accounts: How the other providers are reached, by their names.
        bounds: How long a call may take.
        further: Other models that are asked without a caller naming them, such as critics' and fallbacks.

    Attributes:
        responses: What of drafts the provider keeps, where it is asked to.
    """

    def __init__(
        self,
        *,
        offline: Model,
        default: str | None = None,
        openai_api_key: str | None = None,
        openai_base_url: str | None = None,
        accounts: Mapping[str, Account] | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
        further: Sequence[str] = (),
    ) -> None:
        self._offline = offline
        self._default = default
        self._named = (*(() if default is None else (default,)), *further)
        self._bounds = bounds
        self._elsewhere = bool(openai_base_url)
        openai = Account(key=openai_api_key, url=openai_base_url)
        self._lines = open_lines({**(accounts or {}), OPENAI.name: openai})
        line = self._lines.get(OPENAI.name)
        known = isinstance(line, OpenAILine)
        self.responses = ResponsesAPI(line if known else OpenAILine(), reachable=known)

    def get(self, name: str | None = None) -> Model:
        """Give the model of that name, or the default one; what is not set up says so when it is asked to write.

        Raises:
            UnknownNameError: The name cannot be a model's.
        """
        wanted = (name or self._default or "").strip()
        if not wanted:
            return NotSetUp("none", "No model is configured.", self._likely.how_to_set)
        if wanted == OFFLINE:
            return self._offline
        whole = self._checked(wanted)
        provider, _, model = whole.partition(":")
        if (line := self._lines.get(provider)) is None:
            return NotSetUp(whole, f"The model {model!r} needs a key, and none is set.", provider_of(whole).how_to_set)
        return _ProviderModel(whole, line, self._bounds, self.responses if provider == OPENAI.name else None)

    def wrap(self, chat: "BaseChatModel") -> LangChainModel:
        """Give any LangChain chat model as a model of ours, within this catalog's bounds."""
        return LangChainModel(chat, bounds=self._bounds)

    def warm(self) -> None:
        """Import the SDKs of the providers of the default and the further models; for a background thread.

        Each is about a second's work. One that is not installed is told to whoever asks the model.
        """
        for provider in dict.fromkeys(whole_name(name).partition(":")[0] for name in self._named):
            if line := self._lines.get(provider):
                with suppress(ImportError):
                    line.load()

    async def warm_later(self) -> None:
        """Do so a moment later, if there is a model to ask unnamed: a server's first answers go before it."""
        if self._named:
            await asyncio.sleep(WARM_SECONDS)
            await asyncio.to_thread(self.warm)

    async def aclose(self) -> None:
        """Close the connections that this event loop opened."""
        await self.responses.aclose()
        for line in self._lines.values():
            await line.aclose()

    @property
    def _likely(self) -> Provider:
        """The provider that a default model would be of: one that has a key, else OpenAI."""
        return next((PROVIDERS[name] for name in self._lines if not PROVIDERS[name].free), OPENAI)

    def _checked(self, wanted: str) -> str:
        """Give the whole name of what may be a model of some provider."""
        whole, (before, colon, _) = whole_name(wanted), wanted.partition(":")
        model = whole.partition(":")[2]
        if not model or model in {*PROVIDERS, "host"} or len(wanted) > NAME_CHARACTERS:
            raise UnknownNameError(f"{wanted[:NAME_CHARACTERS]!r} is not the name of a model.", HOW_TO_NAME)
        if colon and before not in {*PROVIDERS, FINE_TUNED} and not self._elsewhere:
            known = ", ".join(repr(name) for name in PROVIDERS)
            raise UnknownNameError(
                f"There is no model provider {before!r}; known are {known} and {OFFLINE!r}.", HOW_TO_NAME
            )
        return whole


class _ProviderModel:
    """A model of a provider; nothing is imported or opened before it is asked to write."""

    def __init__(self, name: str, line: Line, bounds: Bounds, responses: ResponsesAPI | None) -> None:
        self.name = name
        self._line = line
        self._responses = responses
        self._bounds = bounds

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        async with untraced():
            return await self._written(task, on_text)

    async def _written(self, task: Task, on_text: OnText | None) -> Written:
        model = self.name.partition(":")[2]
        if task.native is not None and self._responses is not None:
            native = NativeModel(model, self._responses, name=self.name, bounds=self._bounds)
            return await native.write(task, task.native, on_text)
        chat = await self._line.chat(model)
        return await LangChainModel(chat, name=self.name, bounds=self._bounds).write(task, on_text)


class NotSetUp:
    """Stands for a model that cannot be asked with the options given; an error only for whoever asks it."""

    def __init__(self, name: str, what: str, remedy: str) -> None:
        self.name = name
        self._what = what
        self._remedy = remedy

    @property
    def error(self) -> ModelError:
        """What asking it comes to."""
        return ModelError(self._what, self._remedy, outage="away")

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Refuse."""
        del task, on_text
        raise self.error
