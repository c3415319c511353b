"""The program: settings and wiring. Nobody imports it; it alone reads the environment.

Everything it wires gets its options as arguments. Commands, and every way out, are ``terminal``'s work.
"""

import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

_OURS = ("companions", "sessions", "tools", "resources", "middleware", "terminal")


def _name_intruders() -> None:
    """Stop before a package of somebody else's that has one of our names is taken for ours."""
    here = Path(__file__).resolve().parent
    for name in _OURS:
        spec = find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parent.parent != here:
            found = "nothing" if spec is None else spec.origin
            raise SystemExit(
                f"persistent-companions: the package {name!r} beside {here} is hidden by {found}. "
                "Install persistent-companions in an environment of its own (uvx, uv tool install)."
            )


_name_intruders()
gc.disable()  # nothing that is being loaded is garbage; looking for it costs a tenth of a start

from fastmcp import FastMCP
from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from companions.configuration import Defaults, Stopping
from companions.model_catalog import ModelCatalog
from companions.offline import OfflineEditor
from companions.patience import Bounds
from companions.prices import Prices
from middleware.convergence import Convergence
from middleware.errors import Errors
from middleware.fastmcp_adapter import skip_schema_lookups
from middleware.limits import Limits
from middleware.telemetry import Telemetry
from resources.listing import LiveResources
from resources.registering import register as register_resources
from sessions.allowance import Allowance
from sessions.budgets import Budget, Budgets
from sessions.calls import Calls
from sessions.ending import Ending
from sessions.lifetime import Lifetime
from sessions.opening import open_sessions
from sessions.reading import Reading
from sessions.retention import KEEP
from sessions.running import Runs
from sessions.steps import Desk
from terminal.app import Program, run
from terminal.serving import DRAIN_SECONDS
from tools.instructions import INSTRUCTIONS
from tools.registering import register as register_tools

gc.freeze()  # and what is loaded stays: no later collection has to walk it, which would hold up calls
gc.enable()

DEFAULT_MODEL = "openai:gpt-5-mini"
"""Asked when a key is set and no model is named."""
PREFIX = "COMPANIONS_"
LOCAL = "local"
DATA = user_data_path("companions", appauthor=False)
Money = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """What can be set, by environment variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    model: Annotated[str | None, Field(description=f"host, offline or openai:NAME; with a key, {DEFAULT_MODEL}")] = None
    store: Annotated[str, Field(description="sqlite:///PATH, postgresql://..., redis://... or memory://")] = (
        f"sqlite:///{DATA / 'sessions.db'}"
    )
    durability: Annotated[Literal["committed", "background"], Field(description="When a step is answered")] = (
        "committed"
    )
    spool: Annotated[Path, Field(description="A folder for entries while the store is away")] = DATA / "spool"
    spool_limit: Annotated[int, Field(ge=0, description="Most bytes of entries in the spool")] = 64_000_000
    retention: Annotated[str, Field(description="keep, or like archive=30d,delete=365d")] = KEEP
    library: Annotated[Path | None, Field(description="A folder of your own companion types")] = None
    similarity_threshold: Annotated[float | None, Field(ge=0, le=1, description="Similarity that converges")] = None
    max_iterations: Annotated[int | None, Field(ge=1, description="Iterations after which a loop ends")] = None
    stopping: Annotated[Stopping, Field(description="economy, or lossless: two still revisions end a loop")] = "economy"
    reply_seconds: Annotated[float, Field(gt=0, description="How long a call may take before it answers running")] = 45
    model_seconds: Annotated[float, Field(gt=0, description="How long a model call may take in all")] = 300
    silence_seconds: Annotated[float, Field(gt=0, description="How long a model may be silent")] = 60
    text_limit: Annotated[int, Field(ge=1, description="Most bytes of one text")] = 200_000
    calls_at_once: Annotated[int, Field(ge=1, description="Calls that one owner may have under way")] = 32
    prices: Annotated[str | None, Field(description="What models cost, as JSON or a file of it")] = None
    currency: Annotated[str, Field(min_length=1, max_length=8, description="What the prices are in")] = "USD"
    session_tokens: Annotated[int | None, Field(ge=0, description="Most tokens of one session")] = None
    session_cost: Annotated[Money, Field(description="Most that one session may cost")] = None
    owner_day_tokens: Annotated[int | None, Field(ge=0, description="Most tokens of one owner on one day, UTC")] = None
    owner_day_cost: Annotated[Money, Field(description="Most that one owner's day, UTC, may cost")] = None
    http_stateless: Annotated[bool, Field(description="Serve legacy HTTP clients without protocol sessions")] = False
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="Of standard error")] = "INFO"
    openai_api_key: Annotated[str | None, Field(alias="OPENAI_API_KEY", description="The provider's key")] = None
    openai_base_url: Annotated[str | None, Field(alias="OPENAI_BASE_URL", description="Who speaks its API")] = None

    def defaults(self) -> Defaults:
        """Say who writes: the model that is named, else the default one where a key is set, else the host's own."""
        return Defaults.of(
            self.model or (DEFAULT_MODEL if self.openai_api_key else "host"),
            similarity_threshold=self.similarity_threshold,
            max_iterations=self.max_iterations,
            stopping=self.stopping,
        )

    def allowance(self) -> Allowance:
        """Say what models cost, and how much may be spent on them."""
        return Allowance(
            limits=Budgets(
                session=Budget(tokens=self.session_tokens, cost=self.session_cost),
                owner_day=Budget(tokens=self.owner_day_tokens, cost=self.owner_day_cost),
            ),
            prices=Prices.read(self.prices or "{}", currency=self.currency),
        )


VARIABLES = {name: str(known.alias or PREFIX + name.upper()) for name, known in Settings.model_fields.items()}
"""By setting, the environment variable that it is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """The program, put together."""

    settings: Settings
    calls: Calls
    reading: Reading
    lifetime: Lifetime

    @classmethod
    def of(cls, settings: Settings) -> "Wired":
        """Wire sessions and models; nothing is opened or asked yet."""
        defaults = settings.defaults()
        models = ModelCatalog(
            offline=OfflineEditor(),
            default=defaults.model,
            openai_api_key=settings.openai_api_key,
            openai_base_url=settings.openai_base_url,
            bounds=Bounds(total_seconds=settings.model_seconds, silence_seconds=settings.silence_seconds),
        )
        sessions = open_sessions(
            settings.store,
            defaults,
            library=settings.library,
            spool=settings.spool,
            spool_limit=settings.spool_limit,
            early=settings.durability == "background",
            retention=settings.retention,
        )
        desk = Desk(sessions=sessions, models=models, allowance=settings.allowance())
        calls = Calls(desk=desk, runs=Runs(settings.calls_at_once))
        lifetime = Lifetime(calls=calls, models=models, ending=Ending(DRAIN_SECONDS))
        return cls(settings=settings, calls=calls, reading=Reading(calls=calls), lifetime=lifetime)

    def owner(self) -> str:
        """Give the principal of the present request: without authentication everyone here is the local user."""
        return LOCAL

    def server(self) -> FastMCP:
        """Make the MCP server."""
        sessions, reading, owner, given = self.calls.desk.sessions, self.reading, self.owner, self.settings
        mcp = FastMCP(
            "persistent-companions",
            instructions=INSTRUCTIONS,
            version=version("persistent-companions"),
            lifespan=lambda _: self.lifetime.serving(),
            mask_error_details=True,
            middleware=[
                Errors(lambda: sessions.newest(owner())),
                Limits(owner=owner, at_once=given.calls_at_once, characters=4 * given.text_limit),
                Telemetry(),
                Convergence(sessions=sessions, owner=owner),
                LiveResources(reading=reading, owner=owner),
            ],
        )
        register_tools(
            mcp, reading=reading, owner=owner, reply_seconds=given.reply_seconds, text_limit=given.text_limit
        )
        register_resources(mcp, reading=reading, owner=owner)
        skip_schema_lookups(mcp)
        return mcp


def program(settings: Settings | None = None) -> Program:
    """Hand the command line what it works with."""
    settings = settings or Settings()
    wired = Wired.of(settings)
    chosen = {VARIABLES[name]: getattr(settings, name) for name in sorted(settings.model_fields_set)}
    return Program(
        calls=wired.calls,
        reading=wired.reading,
        owner=LOCAL,
        server=wired.server,
        drain=wired.lifetime.drain,
        store=settings.store,
        spool=settings.spool.expanduser(),
        text_limit=settings.text_limit,
        http_stateless=settings.http_stateless,
        log_level=settings.log_level,
        retention=settings.retention,
        settings={name: "set" if name.endswith("_KEY") else str(value) for name, value in chosen.items()},
        unknown_settings=tuple(sorted({n for n in os.environ if n.startswith(PREFIX)} - set(VARIABLES.values()))),
    )


def described() -> list[str]:
    """Tell every setting with its default, for ``companions serve --help``."""
    return [
        f"{VARIABLES[name]}  {setting.description}. Default: {'none' if setting.default is None else setting.default}"
        for name, setting in Settings.model_fields.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run(sys.argv[1:] if arguments is None else list(arguments), program=program, settings=described())


@cache
def _mcp() -> FastMCP:
    return Wired.of(Settings()).server()


def __getattr__(name: str) -> Any:
    """Give ``mcp`` to ``fastmcp run server.py``, built on first use."""
    if name == "mcp":
        return _mcp()
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["serve"]))
