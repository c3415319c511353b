"""Every option of the program: its name, kind, default and one line of what it is.

Options are values; the environment, from which a program's come, is read in ``server.py`` alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, Field, ValidationError

from companions.companion_settings import FALLBACKS, is_fallbacks
from companions.configuration import Defaults, Stopping
from companions.errors import InputError
from companions.model_catalog import ModelCatalog
from companions.offline import OfflineEditor
from companions.patience import Bounds
from companions.prices import Prices
from companions.providers import ANTHROPIC, GOOGLE, OLLAMA, Account
from sessions.allowance import Allowance
from sessions.budgets import Budget, Budgets
from sessions.opening import open_sessions
from sessions.retention import KEEP
from sessions.sealing.keys import Keyring
from sessions.sessions import Sessions

DEFAULT_MODEL = "openai:gpt-5-mini"
"""Asked when a key is set and no model is named."""
PROVIDER_KEYS = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OLLAMA_API_KEY"}
SECRET = PROVIDER_KEYS | {"COMPANIONS_AUTH_TOKENS", "COMPANIONS_AUTH_PUBLIC_KEY", "COMPANIONS_ENCRYPTION_KEYS"}
"""Variables whose values nobody is to see."""
Money = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class Options(BaseModel):
    """What can be set."""

    model: Annotated[
        str | None, Field(description=f"host, offline or PROVIDER:NAME; with OpenAI's key, {DEFAULT_MODEL}")
    ] = None
    folder: Annotated[Path, Field(description="Where SQLite's file and the spool lie, if not said otherwise")] = Field(
        default_factory=lambda: user_data_path("companions", appauthor=False)
    )
    store: Annotated[str, Field(description="sqlite:///PATH, postgresql://..., redis://... or memory://")] = Field(
        default_factory=lambda given: f"sqlite:///{given['folder'].expanduser() / 'sessions.db'}"
    )
    durability: Annotated[Literal["committed", "background"], Field(description="When a step is answered")] = (
        "committed"
    )
    spool: Annotated[Path, Field(description="A folder for entries while the store is away")] = Field(
        default_factory=lambda given: given["folder"] / "spool"
    )
    spool_limit: Annotated[int, Field(ge=0, description="Most bytes of entries in the spool")] = 64_000_000
    retention: Annotated[str, Field(description="keep, or like archive=30d,delete=365d")] = KEEP
    encryption_keys: Annotated[str | None, Field(description="Keys that texts are sealed with, or a file")] = None
    library: Annotated[Path | None, Field(description="A folder of your own companion types")] = None
    similarity_threshold: Annotated[float | None, Field(ge=0, le=1, description="Similarity that converges")] = None
    max_iterations: Annotated[int | None, Field(ge=1, description="Iterations after which a loop ends")] = None
    critic_model: Annotated[str | None, Field(description="Who writes critiques, if not the model")] = None
    comparison_model: Annotated[str | None, Field(description="Who compares versions, likewise")] = None
    fallback_models: Annotated[str, Field(description="Asked in order where a model is down, by commas")] = ""
    stopping: Annotated[Stopping, Field(description="economy, or lossless: two still revisions end a loop")] = "economy"
    native_sessions: Annotated[bool, Field(description="Let OpenAI keep drafts, and send it only what is new")] = False
    reply_seconds: Annotated[float, Field(gt=0, description="How long a call may take before it answers running")] = 45
    model_seconds: Annotated[float, Field(gt=0, description="How long a model call may take in all")] = 300
    silence_seconds: Annotated[float, Field(gt=0, description="How long a model may be silent")] = 60
    text_limit: Annotated[int, Field(ge=1, description="Most bytes of one text")] = 200_000
    attachment_limit: Annotated[int, Field(ge=1, description="Most bytes of all attachments of a query")] = 5_000_000
    calls_at_once: Annotated[int, Field(ge=1, description="Calls that one owner may have under way")] = 32
    prices: Annotated[str | None, Field(description="What models cost, as JSON or a file of it")] = None
    currency: Annotated[str, Field(min_length=1, max_length=8, description="What the prices are in")] = "USD"
    session_tokens: Annotated[int | None, Field(ge=0, description="Most tokens of one session")] = None
    session_cost: Annotated[Money, Field(description="Most that one session may cost")] = None
    owner_day_tokens: Annotated[int | None, Field(ge=0, description="Most tokens of one owner on one day, UTC")] = None
    owner_day_cost: Annotated[Money, Field(description="Most that one owner's day, UTC, may cost")] = None
    calls_per_minute: Annotated[int, Field(ge=1, description="Requests of one authenticated owner in a minute")] = 600
    metrics: Annotated[bool, Field(description="Serve numbers for Prometheus at /metrics, over HTTP")] = False
    http_stateless: Annotated[bool, Field(description="Serve legacy HTTP clients without protocol sessions")] = False
    http_hosts: Annotated[str, Field(description="Names under which others reach the server, by commas")] = ""
    http_origins: Annotated[str, Field(description="Origins whose pages may call the server, by commas")] = ""
    auth_jwks_url: Annotated[str | None, Field(description="Where the issuer of tokens publishes its keys")] = None
    auth_public_key: Annotated[str | None, Field(description="Instead: its key in PEM, or a file of it")] = None
    auth_algorithm: Annotated[str, Field(description="By which tokens must be signed")] = "RS256"
    auth_issuer: Annotated[str | None, Field(description="Who must have made a token")] = None
    auth_audience: Annotated[str | None, Field(description="Whom a token must be for")] = None
    auth_tokens: Annotated[str | None, Field(description="For development: tokens as JSON, or a file of it")] = None
    trace_texts: Annotated[bool, Field(description="Put prompts and replies into OpenTelemetry's spans")] = False
    debug: Annotated[bool, Field(description="Print what models are sent and answer on standard error")] = False
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="Of standard error")] = "INFO"
    openai_api_key: Annotated[str | None, Field(alias="OPENAI_API_KEY", description="OpenAI's key")] = None
    openai_base_url: Annotated[str | None, Field(alias="OPENAI_BASE_URL", description="Who speaks its API")] = None
    anthropic_api_key: Annotated[str | None, Field(alias="ANTHROPIC_API_KEY", description="Anthropic's key")] = None
    anthropic_base_url: Annotated[str | None, Field(alias="ANTHROPIC_BASE_URL", description="Its proxy")] = None
    google_api_key: Annotated[str | None, Field(alias="GOOGLE_API_KEY", description="Google's key, for Gemini")] = None
    gemini_api_key: Annotated[str | None, Field(alias="GEMINI_API_KEY", description="Its other name")] = None
    google_base_url: Annotated[str | None, Field(alias="GOOGLE_GEMINI_BASE_URL", description="Its proxy")] = None
    ollama_host: Annotated[str | None, Field(alias="OLLAMA_HOST", description="Where Ollama is, unless here")] = None
    ollama_api_key: Annotated[str | None, Field(alias="OLLAMA_API_KEY", description="A hosted Ollama's key")] = None

    def defaults(self) -> Defaults:
        """Say who writes: the model that is named, else the default one where a key is set, else the host's own."""
        return Defaults.of(
            self.model or (DEFAULT_MODEL if self.openai_api_key else "host"),
            similarity_threshold=self.similarity_threshold,
            max_iterations=self.max_iterations,
            critic_model=self.critic_model,
            comparison_model=self.comparison_model,
            fallback_models=self._fallbacks(),
            stopping=self.stopping,
            native_sessions=self.native_sessions,
        )

    def sessions(self, defaults: Defaults) -> Sessions:
        """Give the sessions of the store; nothing is read or written yet."""
        return open_sessions(
            self.store,
            defaults,
            library=self.library,
            spool=self.spool,
            spool_limit=self.spool_limit,
            early=self.durability == "background",
            retention=self.retention,
            keyring=self.keyring(),
        )

    def catalog(self, defaults: Defaults) -> ModelCatalog:
        """Give the models that can be asked, and by default the one that writes."""
        return ModelCatalog(
            offline=OfflineEditor(),
            default=defaults.model,
            openai_api_key=self.openai_api_key,
            openai_base_url=self.openai_base_url,
            accounts=self.accounts(),
            bounds=Bounds(total_seconds=self.model_seconds, silence_seconds=self.silence_seconds),
            further=defaults.further_models,
        )

    def _fallbacks(self) -> tuple[str, ...]:
        names = listed(self.fallback_models)
        if not is_fallbacks(names):
            raise InputError(
                f"COMPANIONS_FALLBACK_MODELS is {self.fallback_models[:200]!r}, not {FALLBACKS}.",
                "Give names of models by commas, like openai:NAME.",
            )
        return names

    def accounts(self) -> dict[str, Account]:
        """Say how the providers other than OpenAI are reached."""
        return {
            ANTHROPIC.name: Account(key=self.anthropic_api_key, url=self.anthropic_base_url),
            GOOGLE.name: Account(key=self.google_api_key or self.gemini_api_key, url=self.google_base_url),
            OLLAMA.name: Account(key=self.ollama_api_key, url=self.ollama_host),
        }

    def allowance(self) -> Allowance:
        """Say what models cost, and how much may be spent on them."""
        return Allowance(
            limits=Budgets(
                session=Budget(tokens=self.session_tokens, cost=self.session_cost),
                owner_day=Budget(tokens=self.owner_day_tokens, cost=self.owner_day_cost),
            ),
            prices=Prices.read(self.prices or "{}", currency=self.currency),
        )

    def keyring(self) -> Keyring | None:
        """Give the keys that texts are sealed with, if they are."""
        return None if self.encryption_keys is None else Keyring.read(self.encryption_keys)


def refused(error: ValidationError) -> InputError:
    """Say in our own words which option is wrong."""
    first = error.errors()[0]
    named = ".".join(str(part) for part in first["loc"])
    name = named if named.isupper() else f"COMPANIONS_{named.upper()}"
    return InputError(
        f"{name} is not set right ({first['msg'][:1].lower()}{first['msg'][1:]}).",
        "Mend it; `companions serve --help` lists all.",
    )


def listed(given: str) -> tuple[str, ...]:
    """Give the names of an option that takes several, by commas."""
    return tuple(name for part in given.split(",") if (name := part.strip()))


def shown(options: Options, variables: Mapping[str, str]) -> dict[str, str]:
    """Give what was set, by the name that it is set by, as people may see it: ``set`` stands for a secret."""
    chosen = {variables[name]: getattr(options, name) for name in sorted(options.model_fields_set)}
    return {name: "set" if name in SECRET else str(value) for name, value in chosen.items()}


def secrets(options: Options, variables: Mapping[str, str]) -> list[str]:
    """Give the values that nobody is to see."""
    given = [getattr(options, name) for name, variable in variables.items() if variable in SECRET]
    return [str(value) for value in given if value]


def described(variables: Mapping[str, str]) -> list[str]:
    """Tell every option with its default, by the name that it is set by, for ``companions serve --help``."""
    known, defaults = Options.model_fields, dict[str, Any]()
    for name, option in known.items():
        defaults[name] = option.get_default(call_default_factory=True, validated_data=defaults)
    return [
        f"{variables[name]}  {known[name].description}. Default: {'none' if value is None else value}"
        for name, value in defaults.items()
    ]
