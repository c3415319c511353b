"""The one module that touches FastMCP's private parts; a test holds each use against the pinned release.

Beside small ones these are change notifications, which FastMCP lacks: requests are registered with the SDK's server
beneath it. Who may hear of what is decided elsewhere; here it is said in the protocol's two ways.
"""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar

import mcp_types as mt
from fastmcp import FastMCP
from mcp.server.connection import Connection
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, event_to_notification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from companions.errors import CompanionsError, InputError

log = logging.getLogger("companions.notifications")

SEND_SECONDS = 10.0
"""How long one notification may take to be handed to a legacy connection; one that takes longer hears nothing more."""
_KEPT_AS = "persistent-companions watcher"


WatcherT = TypeVar("WatcherT")
"""What waits to be told to one connection or stream."""


class Desk(Protocol[WatcherT]):
    """Where watchers come from; its errors are ours, for a client to read."""

    def join(self, *, listing: bool, stream: bool) -> WatcherT:
        """Make a watcher for whoever makes the present request, which ends with that one's token."""
        ...

    def renew(self, watcher: WatcherT) -> None:
        """Let it end with the present request's token instead."""
        ...

    async def next(self, watcher: WatcherT) -> str | Literal[True] | None:
        """Give the URI of what changed next, ``True`` for the list of resources, ``None`` at the end."""
        ...

    def leave(self, watcher: WatcherT) -> None:
        """Let a watcher go."""
        ...

    async def watch(self, watcher: WatcherT, uri: str) -> None:
        """Let it hear of a resource."""
        ...

    def unwatch(self, watcher: WatcherT, uri: str) -> None:
        """Let it hear of a resource no more."""
        ...

    async def watch_all(self, watcher: WatcherT, uris: Sequence[str]) -> list[str]:
        """Let it hear of those resources that there are, and give them."""
        ...


def skip_schema_lookups(mcp: FastMCP) -> None:
    """Spare each modern HTTP call a listing of all tools; only tools with header parameters need it."""
    server = mcp._mcp_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (there is no public way)
    server.get_tool_input_schema = _no_schema


def _no_schema(_: str) -> None:
    return None


async def has_resource(mcp: FastMCP, uri: str) -> bool:
    """Tell whether a server has a resource, or a template of it, that the present request may read."""
    return await mcp.get_resource(uri) is not None or await mcp.get_resource_template(uri) is not None


def notify_of_changes(mcp: FastMCP, desk: Desk[Any], *, may_hear: Callable[[], bool]) -> None:
    """Let clients hear of resources that change, in both protocol eras.

    Args:
        mcp: The server.
        desk: Where they are told what changes.
        may_hear: Tells whether the present request's token allows it.
    """
    server = mcp._mcp_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (there is no public way)
    modern, legacy = _Listening(desk), _Subscribing(desk, may_hear)
    server.add_request_handler("subscriptions/listen", mt.SubscriptionsListenRequestParams, modern.listen)
    server.add_request_handler("resources/subscribe", mt.SubscribeRequestParams, legacy.subscribe)
    server.add_request_handler("resources/unsubscribe", mt.UnsubscribeRequestParams, legacy.unsubscribe)
    server.add_notification_handler("notifications/initialized", mt.NotificationParams, legacy.begin)
    server.middleware.append(legacy.renew)
    server.get_capabilities = partial(_capabilities, server.get_capabilities)


def _capabilities(derived: Callable[..., mt.ServerCapabilities], *args: Any, **chosen: Any) -> mt.ServerCapabilities:
    """Take back what the SDK says of every server that listening streams tell of: here only resources ever change."""
    found = derived(*args, **chosen)
    if chosen.get("protocol_version") not in MODERN_PROTOCOL_VERSIONS:
        return found
    still = {"list_changed": False}
    tools, prompts = (part and part.model_copy(update=still) for part in (found.tools, found.prompts))
    return found.model_copy(update={"tools": tools, "prompts": prompts})


class _Listening(Generic[WatcherT]):
    """``subscriptions/listen``: the reply is a stream of notifications."""

    def __init__(self, desk: Desk[WatcherT]) -> None:
        self._desk = desk

    async def listen(self, ctx: Any, params: mt.SubscriptionsListenRequestParams) -> mt.SubscriptionsListenResult:
        """Say what is heard of, then what changes, until the client leaves or the server ends."""
        wanted, stream = params.notifications, ctx.request_id
        meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: stream}
        watcher = self._desk.join(listing=bool(wanted.resources_list_changed), stream=True)
        try:
            found = await self._desk.watch_all(watcher, wanted.resource_subscriptions or ())
            honored = mt.SubscriptionFilter(
                resources_list_changed=wanted.resources_list_changed or None, resource_subscriptions=found or None
            )
            heard = mt.SubscriptionsAcknowledgedNotificationParams(notifications=honored, _meta=meta)
            await ctx.session.send_notification(
                mt.SubscriptionsAcknowledgedNotification(params=heard), related_request_id=stream
            )
            while (news := await self._desk.next(watcher)) is not None:
                event = ResourcesListChanged() if news is True else ResourceUpdated(uri=news)
                await ctx.session.send_notification(event_to_notification(event, meta), related_request_id=stream)
        finally:
            self._desk.leave(watcher)
        return mt.SubscriptionsListenResult(_meta=meta)


class _Subscribing(Generic[WatcherT]):
    """``resources/subscribe`` of a legacy connection, and its notifications beside all replies."""

    def __init__(self, desk: Desk[WatcherT], may_hear: Callable[[], bool]) -> None:
        self._desk = desk
        self._may_hear = may_hear
        self._sending: set[asyncio.Task[None]] = set()

    async def begin(self, ctx: Any, _params: mt.NotificationParams) -> None:
        """Let a connection hear of the list of resources from its beginning."""
        connection = _connection(ctx)
        if _can_be_told(connection) and self._may_hear():
            try:
                self._watcher(connection)
            except CompanionsError as error:
                log.info("a connection is not told of changes: %s", error.what)

    async def renew(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let a connection be told for as long as the token of its newest request lasts."""
        watcher = _connection(ctx).state.get(_KEPT_AS)
        if watcher is not None and self._may_hear():
            self._desk.renew(watcher)
        return await call_next(ctx)

    async def subscribe(self, ctx: Any, params: mt.SubscribeRequestParams) -> mt.EmptyResult:
        """Let a connection hear of a resource.

        Raises:
            CompanionsError: It cannot be told, there is no such resource of the caller's, or it has too many.
        """
        connection = _connection(ctx)
        if not _can_be_told(connection):
            raise InputError(
                "This server keeps no connections of clients of this protocol version, so it can notify none.",
                "Read the resource again instead, or use protocol 2026-07-28.",
            )
        await self._desk.watch(self._watcher(connection), params.uri)
        return mt.EmptyResult()

    async def unsubscribe(self, ctx: Any, params: mt.UnsubscribeRequestParams) -> mt.EmptyResult:
        """Let a connection hear of a resource no more."""
        watcher = _connection(ctx).state.get(_KEPT_AS)
        if watcher is not None:
            self._desk.unwatch(watcher, params.uri)
        return mt.EmptyResult()

    def _watcher(self, connection: Connection) -> WatcherT:
        """Give a connection's watcher, which goes with it."""
        known: WatcherT | None = connection.state.get(_KEPT_AS)
        if known is not None:
            return known
        watcher = connection.state[_KEPT_AS] = self._desk.join(listing=True, stream=False)
        # A context of its own: it would keep the request's alive.
        task = asyncio.get_running_loop().create_task(
            self._send(connection, watcher), name="companions-notifications", context=contextvars.Context()
        )
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        connection.exit_stack.callback(task.cancel)
        return watcher

    async def _send(self, connection: Connection, watcher: WatcherT) -> None:
        try:
            while (news := await self._desk.next(watcher)) is not None:
                async with asyncio.timeout(SEND_SECONDS):
                    if news is True:
                        await connection.send_resource_list_changed()
                    else:
                        await connection.send_resource_updated(news)
        except TimeoutError:
            log.warning("a connection that reads nothing is not told of changes any more")
        except Exception:
            log.exception("a connection cannot be told of changes")
        finally:
            connection.state.pop(_KEPT_AS, None)
            self._desk.leave(watcher)


def _connection(ctx: Any) -> Connection:
    return ctx.session._connection  # noqa: SLF001 (there is no public way)


def _can_be_told(connection: Connection) -> bool:
    return connection.protocol_version not in MODERN_PROTOCOL_VERSIONS and connection.has_standalone_channel
