"""The providers of models, as values: what their settings are called and how a call tells them temperature and length.

Nothing of a provider is imported or opened here: that is its line's work. Which provider a name means is
``model_catalog``'s to say.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from companions.attachments import Kind

Sent = dict[str, Any]
_NEVER = re.compile(r"(?!)")
DISTRIBUTION = "persistent-companions"
OR_BY_CALLER = ", or let the caller write (COMPANIONS_MODEL=host)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How a provider is reached.

    Attributes:
        key: The key; it never shows.
        url: A server instead of the provider's own.
    """

    key: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Take a value of blanks for none."""
        for name in ("key", "url"):
            object.__setattr__(self, name, (getattr(self, name) or "").strip() or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What has to be known of a provider before anything of it is imported.

    Attributes:
        name: What stands before the colon of a model's name.
        key: The setting that holds its key; "" for one of which nothing is known.
        url: The setting that holds its base URL; likewise.
        extra: What of this distribution brings its integration; "" if it comes along anyway.
        free: Whether it answers without a key.
        finishes: Whether its complete replies always say why they stopped.
        takes: The kinds of attachments that its integration can send; whether a model reads them is not said.
        one_temperature: The models, by the beginning of their names, that take no temperature but 1.
        said: Turns ``temperature`` and ``max_tokens`` into the arguments of a call.
    """

    name: str
    key: str = ""
    url: str = ""
    extra: str = ""
    free: bool = False
    finishes: bool = True
    takes: frozenset[Kind] = frozenset({"image", "pdf"})
    one_temperature: re.Pattern[str] = _NEVER
    said: Callable[[Sent], Sent] = dict

    def answers(self, account: Account) -> bool:
        """Whether an account is enough to ask it with."""
        return self.free or account.key is not None or account.url is not None

    @property
    def package(self) -> str:
        """The distribution that its extra brings."""
        return {"google": "langchain-google-genai"}.get(self.name, f"langchain-{self.name}")

    @property
    def how_to_install(self) -> str:
        """Say how its integration comes in."""
        return f"Install it: uv tool install '{DISTRIBUTION}[{self.extra}]'."

    @property
    def how_to_set(self) -> str:
        """Say what has to be set so that its models write."""
        key = "" if self.free else f"{self.key}, and "
        return f"Set {key}COMPANIONS_MODEL to {self.name}:NAME{OR_BY_CALLER}."


def _for_google(sent: Sent) -> Sent:
    return {"max_output_tokens" if name == "max_tokens" else name: value for name, value in sent.items()}


def _for_ollama(sent: Sent) -> Sent:
    """Ollama's integration takes them as options alone; a call without any leaves the server's own in force."""
    options = {"num_predict" if name == "max_tokens" else name: value for name, value in sent.items()}
    return {"options": options} if options else {}


# These answer 400 to a temperature other than 1, or LangChain refuses or drops it for them.
_OPENAI_FIXED = re.compile(r"(.*/)?(o\d|gpt-5(?!.*chat))", re.IGNORECASE)
_ANTHROPIC_FIXED = re.compile(r"claude-(fable-5|sonnet-5-5)")
_GOOGLE_FIXED = re.compile(r"(.*/)?gemini-(3\.5-flash-lite|3\.6-flash)(-\d{3})?$", re.IGNORECASE)

UNKNOWN = Provider(name="", finishes=False, one_temperature=_OPENAI_FIXED)
"""Of a chat model that somebody else made."""
OPENAI = Provider(name="openai", key="OPENAI_API_KEY", url="OPENAI_BASE_URL", one_temperature=_OPENAI_FIXED)
ANTHROPIC = Provider(
    name="anthropic",
    key="ANTHROPIC_API_KEY",
    url="ANTHROPIC_BASE_URL",
    extra="anthropic",
    one_temperature=_ANTHROPIC_FIXED,
)
GOOGLE = Provider(
    name="google",
    key="GOOGLE_API_KEY",
    url="GOOGLE_GEMINI_BASE_URL",
    extra="google",
    one_temperature=_GOOGLE_FIXED,
    said=_for_google,
)
OLLAMA = Provider(
    name="ollama",
    key="OLLAMA_API_KEY",
    url="OLLAMA_HOST",
    extra="ollama",
    free=True,
    takes=frozenset({"image"}),
    said=_for_ollama,
)
PROVIDERS: Mapping[str, Provider] = {known.name: known for known in (OPENAI, ANTHROPIC, GOOGLE, OLLAMA)}


def provider_of(model: str) -> Provider:
    """Give the provider of a model by its whole name; ``UNKNOWN`` for another's."""
    return PROVIDERS.get(model.partition(":")[0], UNKNOWN)
