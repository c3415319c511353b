"""``/metrics`` of the server's own application: what it counts, against a provider that counts too, and who may ask."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

import server
from middleware.exposition import Counter, Histogram
from middleware.families import Families, about, present
from tests.pages.asking import asked
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.wire.processes import ROOT
from tests.wire.tokens import Issuer

pytest_plugins = ("tests.provider.fixtures",)

MODEL = "openai:loopback"
PRICES = json.dumps({MODEL: {"input": 1_000, "output": 2_000}})
Family = Counter | Histogram
OBSERVING = ROOT / "docs" / "observing.md"
PRIVATE = "a text that nobody but its owner reads"


class Numbers:
    """What ``/metrics`` told, as Prometheus' parser reads it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = [sample for family in self.families.values() for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """Add up the samples of that name with these labels among theirs."""
        return sum(each.value for each in self._samples if each.name == name and labels.items() <= each.labels.items())


async def scraped(app: Any) -> Numbers:
    """Ask as Prometheus does, in the midst of a program that serves already."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Numbers(answer.text)


@dataclass(frozen=True, slots=True)
class Made:
    """The program, put together."""

    wired: server.Wired
    mcp: FastMCP
    app: Starlette

    @classmethod
    def of(cls, *, flag: bool = False, **settings: Any) -> "Made":
        """Put it together; not in an event loop, since that reads files."""
        wired = server.Wired.of(server.Settings.model_validate(settings))
        mcp = wired.server(metrics=flag)
        return cls(wired, mcp, mcp.http_app(path="/mcp"))


@pytest.fixture
def made(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Made:
    # It tells each refusal with a traceback, for which it reads files.
    monkeypatch.setattr(logging.getLogger("fastmcp"), "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logging.getLogger("fastmcp"), "propagate", False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    return Made.of(store="memory://", model=MODEL, prices=PRICES, metrics=True)


@pytest.fixture
async def client(made: Made) -> AsyncIterator[Client[Any]]:
    async with Client(made.mcp) as client:
        yield client


async def test_steps_models_and_calls_are_counted_as_the_provider_counts_them(
    provider: Provider, made: Made, client: Client[Any]
) -> None:
    drafted = await client.call_tool("draft", {"query": PRIVATE})
    session = {"session_id": (drafted.structured_content or {})["session_id"]}
    await client.call_tool("critique", session)
    await client.call_tool("critique", session)
    await client.call_tool("revise", session | {"text": "By the caller."})
    provider.queue(replies.refusal(400))
    with pytest.raises(ToolError):
        await client.call_tool("draft", {"query": "Fails.", "sampling": {"model": "openai:invented"}})
    with suppress(ToolError):
        await client.call_tool("no such tool", {})
    await made.wired.calls.desk.sessions.writer.drain()
    told = await scraped(made.app)
    of_steps = {"companion_type": "generic"}
    assert told("companions_steps_total", **of_steps, step="draft", outcome="done") == 1
    assert told("companions_steps_total", **of_steps, step="draft", outcome="failed") == 1
    assert told("companions_steps_total", **of_steps, step="critique", outcome="done") == 1
    assert told("companions_steps_total", **of_steps, step="critique", outcome="repeated") == 1
    assert told("companions_steps_total", **of_steps, step="revise", outcome="done") == 1
    assert told("companions_step_seconds_count", mode="server") == 2
    assert told("companions_step_seconds_count", mode="client") == 1
    assert told("companions_model_calls_total", model=MODEL, outcome="ok") == 2
    assert told("companions_model_calls_total", model="other", outcome="failed") == 1
    assert told("companions_model_call_seconds_count", model=MODEL) == 2
    answered = provider.bodies[:2]
    words = sum(len(str(message["content"]).split()) for body in answered for message in body["messages"])
    read, wrote = (told("companions_model_tokens_total", model=MODEL, kind=kind) for kind in ("input", "output"))
    assert read == words
    assert wrote > 0
    assert told("companions_model_cost_total", model=MODEL, currency="USD") == pytest.approx((read + 2 * wrote) / 1e3)
    assert told("companions_errors_total", where="model", code="model_failed") == 1
    assert told("companions_errors_total", where="step", code="model_failed") == 1
    assert told("companions_tool_calls_total", tool="critique", outcome="ok") == 2
    assert told("companions_tool_calls_total", tool="draft", outcome="error") == 1
    assert told("companions_tool_calls_total", tool="unknown", outcome="error") == 1
    assert told("companions_tool_call_seconds_count", tool="revise") == 1
    assert told("companions_written_entries_total", outcome="committed") >= 6
    assert told("companions_sessions_open") == 2
    assert told("companions_store_up") == 1
    assert told("companions_info", store="memory") == 1
    assert not [secret for secret in (PRIVATE, session["session_id"], KEY, "invented", "local") if secret in told.text]


async def test_entries_and_sessions_are_counted_once_they_are_stored_and_the_spool_is_told(tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path / 'sessions.db'}"
    given: dict[str, Any] = {
        "store": file,
        "spool": tmp_path / "spool",
        "model": "host",
        "metrics": True,
        "spool_limit": 77,
    }
    made = await asyncio.to_thread(Made.of, **given)
    async with Client(made.mcp) as client:
        await client.call_tool("draft", {"query": "Counted?", "text": "Once."})
        await client.call_tool("draft", {"query": "Handed out?"})
        await made.wired.calls.desk.sessions.observing.rest()
        told = await scraped(made.app)
    assert told("companions_session_events_total", event="created") == 2
    assert told("companions_entries_total", kind="draft") == 1
    assert told("companions_entries_total", kind="query") == 2
    assert told("companions_steps_total", step="draft", outcome="handed_out") == 1
    assert told("companions_write_seconds_count") >= 1
    spool = {name: told(f"companions_spool_{name}") for name in ("entries", "bytes", "limit_bytes", "oldest_seconds")}
    assert spool == {"entries": 0, "bytes": 0, "limit_bytes": 77, "oldest_seconds": 0}


async def test_each_family_has_a_help_a_type_and_a_name_as_prometheus_asks(made: Made) -> None:
    told = await scraped(made.app)
    declared = [line.split()[1:3] for line in told.text.splitlines() if line.startswith("#")]
    assert [kind for kind, _ in declared] == ["HELP", "TYPE"] * len(told.families)
    for family in told.families.values():
        assert family.name.startswith("companions_")
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
        assert (f"# TYPE {family.name}_total counter" in told.text) == (family.type == "counter")
        assert family.type != "histogram" or family.name.endswith("_seconds")


@pytest.mark.parametrize(("given", "status"), [({}, 404), ({"metrics": True}, 200), ({"flag": True}, 200)])
async def test_numbers_are_there_only_if_they_are_asked_for(given: dict[str, bool], status: int) -> None:
    made = await asyncio.to_thread(Made.of, store="memory://", **given)
    async with asked(made.app) as client:
        assert (await client.get("/metrics")).status_code == status


async def test_with_authentication_only_an_administrator_is_told() -> None:
    issuer = Issuer()
    given: dict[str, Any] = {name.removeprefix("COMPANIONS_").lower(): value for name, value in issuer.settings.items()}
    made = await asyncio.to_thread(Made.of, store="memory://", metrics=True, **given)
    tokens = {**issuer.refused(), **issuer.taken()}
    statuses = dict[str, int]()
    async with asked(made.app) as client:
        for name, token in tokens.items():
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            answer = await client.get("/metrics", headers=headers)
            statuses[name] = answer.status_code
            assert ("companions_" in answer.text) == (name == "admin")
            assert answer.status_code != 401 or answer.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get("/metrics", headers={"Host": "evil.example"})).status_code == 421
    assert statuses == dict.fromkeys(issuer.refused(), 401) | dict.fromkeys(issuer.taken(), 403) | {"admin": 200}


def test_the_document_names_each_family_with_its_type_and_labels(tmp_path: Path) -> None:
    wired = Made.of(store=f"sqlite:///{tmp_path / 'sessions.db'}", spool=tmp_path).wired
    counted: dict[str, Family] = vars(Families())
    named = {each.name: (type(each).__name__.lower(), each.labels) for each in counted.values()}
    for line in present(wired.calls, about("sqlite")):
        if not line.startswith("#"):
            named[re.split(r"[ {]", line)[0]] = ("gauge", tuple(re.findall(r'(\w+)="', line)))
    rows = re.findall(r"^\| `(companions_\w+)` \| (\w+) \| (.*?) ?\|", OBSERVING.read_text(), re.MULTILINE)
    assert {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == named
