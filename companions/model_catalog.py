"""Models by name: which model a name means, and what has to be set for it.

It takes options and never reads the environment, and it asks no model itself: that is ``langchain_models``'s work.
"""

import asyncio
from typing import TYPE_CHECKING

from companions.errors import ModelError, UnknownNameError
from companions.langchain_models import LangChainModel
from companions.models import Model, OnText, Task, Written
from companions.native_models import NativeModel
from companions.openai_line import OpenAILine, load_openai
from companions.patience import DEFAULT_BOUNDS, Bounds
from companions.responses_api import ResponsesAPI

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OFFLINE = "offline"
OPENAI = "openai"
FINE_TUNED = "ft"
"""OpenAI's own names of fine-tuned models begin with ``ft:``."""
WARM_SECONDS = 0.5
NAME_CHARACTERS = 200
"""Longest name of a model; names come from callers and stand in errors and entries."""

HOW_TO_NAME = "Name it as openai:NAME, NAME or offline."
HOW_TO_SET = "Set OPENAI_API_KEY, and COMPANIONS_MODEL to openai:NAME, or let the caller write (COMPANIONS_MODEL=host)."


def whole_name(name: str) -> str:
    """Give the name of its own that a model bears, of all those by which ``ModelCatalog`` knows it."""
    wanted = name.strip()
    if wanted == OFFLINE:
        return wanted
    provider, _, rest = wanted.partition(":")
    return f"{OPENAI}:{rest.strip() if provider == OPENAI else wanted}"


class ModelCatalog:
    """Gives the model that a name means.

    ``offline`` is the built-in editor. ``openai:NAME`` and a bare ``NAME`` ask the OpenAI-compatible server; everything
    after the first ``openai:`` is the name, further colons included (``openai:llama3.2:3b``). A bare name with colons
    is taken whole when a base URL is set, since names of local servers look so (``llama3.2:3b``), and so are OpenAI's
    own ``ft:...``; without a base URL what stands before its colon is an unknown provider.

    Args:
        offline: The built-in editor.
        default: The model for whoever names none: any name that ``get`` knows, or None if none is configured.
        openai_api_key: The provider's key.
        openai_base_url: An OpenAI-compatible server instead of OpenAI's; needs no key.
        bounds: How long a call may take.

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
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._offline = offline
        self._default = default
        self._bounds = bounds
        self._elsewhere = bool(openai_base_url)
        self._reachable = bool(openai_api_key or openai_base_url)
        self._line = OpenAILine(api_key=openai_api_key, base_url=openai_base_url)
        self.responses = ResponsesAPI(self._line, reachable=self._reachable)

    def get(self, name: str | None = None) -> Model:
        """Give the model of that name, or the default one; what is not set up says so when it is asked to write.

        Raises:
            UnknownNameError: The name cannot be a model's.
        """
        wanted = (name or self._default or "").strip()
        if not wanted:
            return _NotSetUp("none", "No model is configured.")
        if wanted == OFFLINE:
            return self._offline
        model = self._openai_name(wanted)
        if not self._reachable:
            return _NotSetUp(f"{OPENAI}:{model}", f"The model {model!r} needs a key, and none is set.")
        return _OpenAIModel(model, self.responses, self._bounds)

    def wrap(self, chat: "BaseChatModel") -> LangChainModel:
        """Give any LangChain chat model as a model of ours, within this catalog's bounds."""
        return LangChainModel(chat, bounds=self._bounds)

    def warm(self) -> None:
        """Import the provider's SDK, about a second's work, if a model of it can be asked; for a background thread."""
        if self._reachable:
            load_openai()

    async def warm_later(self) -> None:
        """Do so a moment later, if there is a model to ask by default: a server's first answers go before it."""
        if self._default is not None:
            await asyncio.sleep(WARM_SECONDS)
            await asyncio.to_thread(self.warm)

    async def aclose(self) -> None:
        """Close the connections that this event loop opened."""
        await self.responses.aclose()
        await self._line.aclose()

    def _openai_name(self, wanted: str) -> str:
        model, (provider, colon, _) = whole_name(wanted).removeprefix(f"{OPENAI}:"), wanted.partition(":")
        if not model or model in {OPENAI, "host"} or len(wanted) > NAME_CHARACTERS:
            raise UnknownNameError(f"{wanted[:NAME_CHARACTERS]!r} is not the name of a model.", HOW_TO_NAME)
        if colon and provider not in {OPENAI, FINE_TUNED} and not self._elsewhere:
            raise UnknownNameError(
                f"There is no model provider {provider!r}; known are {OPENAI!r} and {OFFLINE!r}.", HOW_TO_NAME
            )
        return model


class _OpenAIModel:
    """A model of the OpenAI-compatible server; nothing is imported or opened before it is asked to write."""

    def __init__(self, model: str, responses: ResponsesAPI, bounds: Bounds) -> None:
        self._model = model
        self._responses = responses
        self._bounds = bounds

    @property
    def name(self) -> str:
        return f"{OPENAI}:{self._model}"

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        if task.native is not None:
            native = NativeModel(self._model, self._responses, name=self.name, bounds=self._bounds)
            return await native.write(task, task.native, on_text)
        chat = await self._responses.line.chat(self._model)
        return await LangChainModel(chat, name=self.name, bounds=self._bounds).write(task, on_text)


class _NotSetUp:
    """Stands for a model that cannot be asked with the options given; an error only for whoever asks it."""

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self._what = what

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        del task, on_text
        raise ModelError(self._what, HOW_TO_SET)
