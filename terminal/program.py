"""What commands are handed: the wired program, as far as a terminal needs it, and what is around. It reads nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.middleware import Middleware

from sessions.calls import Calls
from sessions.reading import Reading
from sessions.retention import KEEP
from sessions.sealing.keys import Keyring

Given = TypeVar("Given")


class Drain(Protocol):
    """Stores what was handed over and lets go of everything, in time."""

    def __call__(self, since: float | None = None) -> Awaitable[None]:
        """Do so; ``since`` is when the process was told to end, on the event loop's clock, if that was before now."""
        ...


class MakeServer(Protocol):
    """Makes the MCP server."""

    def __call__(self, *, metrics: bool = False) -> FastMCP:
        """Make it; ``metrics``: with numbers for Prometheus, whatever the setting says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """How the server is served over HTTP.

    Attributes:
        check_address: Refuses an address that may not be listened on.
        stateless: Whether legacy clients are served without protocol sessions.
        paced: What bounds how often one owner may call.
        hosts: Names under which others reach it, patterns included.
        origins: Whose pages may call it, beside this machine's own.
        body_limit: The most bytes of a request.
    """

    check_address: Callable[[str], None]
    stateless: bool = False
    paced: tuple[Middleware, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    body_limit: int = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What commands work with.

    Attributes:
        owner: Whose sessions a person at this terminal works on.
        server: Makes the MCP server.
        inspector: Makes the page alone, which shows a token's bearer the person's sessions.
        drain: Stores what was handed over and lets go of everything.
        store: The store's URL, for people to see.
        spool: Where entries wait while the store is away.
        text_limit: The most bytes of one text.
        attachment_limit: The most bytes of all attachments of a query together.
        http: How it is served over HTTP.
        log_level: The least that a server tells on standard error.
        keyring: What texts are sealed with, if they are.
        retention: How long sessions are kept, as the setting has it.
        settings: The settings that somebody set, by their name in the environment, as people may see them: ``set``
            stands for a secret.
        unknown_settings: Variables that look like settings of ours and are none.
    """

    calls: Calls
    reading: Reading
    owner: str
    server: MakeServer
    inspector: Callable[[str], Starlette]
    drain: Drain
    store: str
    spool: Path
    text_limit: int
    attachment_limit: int
    http: Http
    log_level: str
    keyring: Keyring | None = None
    retention: str = KEEP
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    unknown_settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process found around it.

    Attributes:
        environment: Every variable.
        variables: By option of ours, the variable that it is read from.
    """

    environment: Mapping[str, str]
    variables: Mapping[str, str]


MakeProgram = Callable[[], Program]


async def drained(program: Program, work: Awaitable[Given]) -> Given:
    """Do some work and drain, however it ends: an error and Ctrl-C too must not lose what was handed over."""
    try:
        return await work
    finally:
        await program.drain()
