"""The program: settings and wiring. Nobody imports it; it alone reads the environment.

Everything it wires gets its options as arguments. Commands, and every way out, are ``terminal``'s work.
"""

import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OURS = ("companions", "sessions", "tools", "resources", "middleware", "terminal", "pages")


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
from fastmcp.server.auth import TokenVerifier
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.middleware import Middleware

from middleware import authentication
from middleware.authentication import Authentication
from middleware.convergence import Convergence
from middleware.errors import Errors
from middleware.fastmcp_adapter import has_resource, notify_of_changes, skip_schema_lookups
from middleware.guarded_server import GuardedServer, check_address
from middleware.http_pace import HttpPace
from middleware.limits import Limits
from middleware.metering import Meters
from middleware.roles import Roles, administrator, may_read, reading_owner
from middleware.session_counts import SessionCounts
from middleware.span_sending import flush_spans, send_spans
from middleware.telemetry import Telemetry
from middleware.tracing import Tracing, carried
from pages.data import Access
from pages.page import Page, inspector_access
from resources import view
from resources.listing import LiveResources
from resources.registering import register as register_resources
from resources.scraping import Scraping
from resources.subscriptions import Subscriptions
from sessions.calls import Calls
from sessions.ending import Ending
from sessions.installed_filters import FilteredModels
from sessions.installed_observers import installed
from sessions.lifetime import Lifetime
from sessions.news_exchange import NewsExchange
from sessions.opening import kind_of, open_channel
from sessions.reading import Reading
from sessions.running import Runs
from sessions.sharing import Sharing
from sessions.steps import Desk
from sessions.watching import Together, WatchedModels
from terminal.app import Program, run
from terminal.debugging import Debugging
from terminal.options import Options, listed, secrets, shown
from terminal.program import Http, Surroundings
from terminal.serving import DRAIN_SECONDS, end_refused
from tools.instructions import INSTRUCTIONS
from tools.registering import register as register_tools

gc.freeze()  # and what is loaded stays: no later collection has to walk it, which would hold up calls
gc.enable()

PREFIX = "COMPANIONS_"


class Settings(Options, BaseSettings):
    """The options, as environment variables set them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    def authentication(self) -> Authentication:
        """Say how callers over HTTP show who they are."""
        return Authentication(**{known.name: getattr(self, f"auth_{known.name}") for known in fields(Authentication)})


SENT_TO = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
VARIABLES = {name: str(known.alias or PREFIX + name.upper()) for name, known in Settings.model_fields.items()}
"""By setting, the environment variable that it is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """The program, put together."""

    settings: Settings
    watching: Together
    calls: Calls
    reading: Reading
    lifetime: Lifetime
    verifier: TokenVerifier | None

    @classmethod
    def of(cls, settings: Settings) -> "Wired":
        """Wire sessions and models; nothing is opened or asked yet."""
        if any(os.environ.get(name) for name in SENT_TO):
            send_spans()
        defaults, tracing = settings.defaults(), Tracing(kind_of(settings.store), settings.trace_texts)
        debugging = [Debugging(secrets(settings, VARIABLES))] if settings.debug else []
        watching, models = Together([tracing], [tracing, *debugging]), settings.catalog(defaults)
        sessions = settings.sessions(defaults)
        news = NewsExchange(open_channel(settings.store))
        sessions.observing.add("news", news)
        sessions.observing.add("telemetry", SessionCounts())
        sessions.copies.keep_up(models.responses, sessions.observing)
        sessions.observing.load = installed
        sessions.writer.watcher, asked = watching, FilteredModels(WatchedModels(models, watching.models))
        desk = Desk(sessions=sessions, models=asked, allowance=settings.allowance(), watcher=watching)
        calls = Calls(desk=desk, runs=Runs(settings.calls_at_once, carried))
        ending, last = Ending(DRAIN_SECONDS), (flush_spans,)
        lifetime = Lifetime(calls=calls, models=models, ending=ending, news=news, refused=end_refused, last=last)
        verifier, reading = settings.authentication().verifier(), Reading(calls=calls)
        return cls(
            settings=settings, watching=watching, calls=calls, reading=reading, lifetime=lifetime, verifier=verifier
        )

    def paced(self) -> tuple[Middleware, ...]:
        """Bound how often one owner may call, where owners are told apart."""
        pace = Middleware(HttpPace, per_minute=self.settings.calls_per_minute, stateless=self.settings.http_stateless)
        return () if self.verifier is None else (pace,)

    def server(self, *, metrics: bool = False) -> FastMCP:
        """Make the MCP server; ``metrics``: with ``/metrics``, whatever the setting says."""
        sessions, reading, given = self.calls.desk.sessions, self.reading, self.settings
        meters = [Meters(self.calls, kind_of(given.store))] if metrics or given.metrics else []
        owner = authentication.owner if self.verifier is None else authentication.authenticated_owner
        mcp = GuardedServer(
            "persistent-companions",
            instructions=INSTRUCTIONS,
            version=version("persistent-companions"),
            lifespan=lambda _: self.lifetime.serving(),
            mask_error_details=True,
            auth=self.verifier,
            middleware=[
                Errors(lambda: sessions.newest(owner())),
                Limits(owner=owner, at_once=given.calls_at_once, characters=4 * given.text_limit),
                Telemetry(),
                *meters,
                *(() if self.verifier is None else (Roles(),)),
                Convergence(sessions=sessions, owner=owner),
                LiveResources(reading=reading, owner=owner),
            ],
        )
        most = {"text_limit": given.text_limit, "attachment_limit": given.attachment_limit}
        seconds = given.reply_seconds
        sharing = None if self.verifier is None else Sharing(sessions=sessions, told=self.lifetime.news.granted)
        register_tools(mcp, reading=reading, owner=owner, reply_seconds=seconds, **most, view=view.URI, sharing=sharing)
        health = register_resources(mcp, reading=reading, owner=owner, store=kind_of(given.store))
        self.lifetime.listened.append(health)
        for each in meters:
            self._measure(mcp, each)
        watched = Subscriptions(sessions, self.lifetime.news, owner, authentication.until, partial(has_resource, mcp))
        self.lifetime.listened.append(watched)
        notify_of_changes(mcp, watched, may_hear=may_read)
        skip_schema_lookups(mcp)
        self._page(lambda _: owner() if self.verifier is None else reading_owner()).register(mcp)
        return mcp

    def _measure(self, mcp: FastMCP, meters: Meters) -> None:
        """Count from now on, and tell the numbers to administrators, or without authentication to this machine."""
        self.watching.watchers.append(meters)
        self.watching.models.append(meters)
        self.calls.desk.sessions.observing.add("metrics", meters)
        asks = authentication.owner if self.verifier is None else administrator
        Scraping(numbers=meters.text, asks=asks).register(mcp)

    def inspector(self, token: str) -> Starlette:
        """Make the page alone, for whoever at this machine has a token."""
        return self._page(inspector_access(token, authentication.LOCAL)).alone(lambda _: self.lifetime.looking())

    def _page(self, access: Access) -> Page:
        page = Page.of(self.reading, self.lifetime.news, access, self.settings.calls_at_once)
        self.lifetime.listened.append(page.changes)
        return page


def program(settings: Settings | None = None) -> Program:
    """Hand the command line what it works with."""
    settings = settings or Settings()
    wired = Wired.of(settings)
    return Program(
        calls=wired.calls,
        reading=wired.reading,
        owner=authentication.LOCAL,
        server=wired.server,
        inspector=wired.inspector,
        drain=wired.lifetime.drain,
        store=settings.store,
        spool=settings.spool.expanduser(),
        text_limit=settings.text_limit,
        attachment_limit=settings.attachment_limit,
        http=Http(
            check_address=partial(check_address, authenticated=wired.verifier is not None),
            stateless=settings.http_stateless,
            paced=wired.paced(),
            hosts=listed(settings.http_hosts),
            origins=listed(settings.http_origins),
            body_limit=64 * settings.text_limit + 2 * settings.attachment_limit,  # escaped, and in base64
        ),
        log_level=settings.log_level,
        keyring=settings.keyring(),
        retention=settings.retention,
        settings=shown(settings, VARIABLES),
        unknown_settings=tuple(sorted({n for n in os.environ if n.startswith(PREFIX)} - set(VARIABLES.values()))),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run(arguments, program=program, surroundings=Surroundings(environment=os.environ, variables=VARIABLES))


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
