"""Subscriptions of a process, for tests."""

from resources.subscriptions import Subscriptions
from resources.watchers import Watcher
from sessions.news import Change, What, mark_of
from sessions.news_exchange import NewsExchange
from tests.sessions.faults import OWNER, Process

BASE = "resource://sessions/{}/generic"


class Desk:
    """Subscriptions of a process, whose caller a test chooses."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.owner = OWNER
        self.until: float | None = None
        self.served = True
        self.news = NewsExchange()
        self.subscriptions = Subscriptions(
            process.calls.desk.sessions, self.news, lambda: self.owner, lambda: self.until, self._exists
        )

    async def _exists(self, uri: str) -> bool:
        return self.served and uri.startswith("resource://")

    async def session(self) -> str:
        return (await self.process.step("draft", query="Why?", text="So.")).session_id

    def tell(self, session_id: str, kind: str = "", *, what: What = "entry", **chosen: object) -> None:
        given = {"owner": mark_of(OWNER), "companion_type": "generic"} | chosen
        self.news.hear(Change(session_id=session_id, what=what, kind=kind, **given))  # pyright: ignore[reportArgumentType]


async def told(watcher: Watcher) -> list[str | bool]:
    """Give what waits for a watcher, which is closed for that."""
    watcher.close()
    found: list[str | bool] = []
    while (news := await watcher.next()) is not None:
        found.append(news)
    watcher.closed = False
    return found
