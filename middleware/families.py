"""The numbers of ``/metrics``: what each is called, what it counts, by which labels, and how the process is now.

Who counts is ``metering``; how it is written down is ``exposition``'s work.
"""

import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import fastmcp

from middleware.exposition import Counter, Histogram, gauge
from sessions.calls import Calls

WRITE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2)


class Families:
    """What is counted, from nothing."""

    def __init__(self) -> None:
        self.tool_calls = Counter("companions_tool_calls_total", "Calls of tools.", ("tool", "outcome"))
        self.tool_seconds = Histogram("companions_tool_call_seconds", "How long calls of tools took.", ("tool",))
        self.steps = Counter(
            "companions_steps_total",
            "Steps of companions, by what became of them.",
            ("companion_type", "step", "outcome"),
        )
        self.step_seconds = Histogram(
            "companions_step_seconds", "How long the steps took that were done.", ("step", "mode")
        )
        self.model_calls = Counter("companions_model_calls_total", "Calls of models.", ("model", "outcome"))
        self.model_seconds = Histogram(
            "companions_model_call_seconds", "How long the calls of models took that gave a text.", ("model",)
        )
        self.tokens = Counter(
            "companions_model_tokens_total",
            "Tokens that providers reported; cache_read is part of input, reasoning of output.",
            ("model", "kind"),
        )
        self.cost = Counter(
            "companions_model_cost_total",
            "What the reported tokens cost by COMPANIONS_PRICES.",
            ("model", "currency"),
        )
        self.errors = Counter(
            "companions_errors_total", "What calls of tools, steps and calls of models failed with.", ("where", "code")
        )
        self.entries = Counter("companions_entries_total", "Entries that this process stored.", ("kind",))
        self.session_events = Counter(
            "companions_session_events_total", "Sessions created, forked, archived, deleted.", ("event",)
        )
        self.written = Counter(
            "companions_written_entries_total", "Entries in written batches, by what became of them.", ("outcome",)
        )
        self.write_seconds = Histogram(
            "companions_write_seconds", "How long batches of entries took to write.", bounds=WRITE_SECONDS
        )

    def lines(self) -> Iterator[str]:
        """Give the lines of all of them."""
        family: Counter | Histogram
        for family in vars(self).values():
            yield from family.lines()


def about(store: str) -> dict[str, str]:
    """Tell what runs here, on which kind of store; it is read from the disk."""
    versions = {"version": version("persistent-companions"), "fastmcp": fastmcp.__version__}
    return {**versions, "python": platform.python_version(), "store": store}


def present(calls: Calls, about_it: Mapping[str, str]) -> Iterator[str]:
    """Give the lines of what is so now; nothing is asked for it.

    Args:
        calls: What the process does.
        about_it: What runs here, as ``about`` tells it.
    """
    sessions = calls.desk.sessions
    yield from gauge("companions_info", "What runs here.", 1, about_it)
    yield from gauge("companions_store_up", "1 unless the store is known to be away.", not sessions.store.away)
    yield from gauge("companions_sessions_open", "Sessions in this process's memory.", sessions.open.count)
    yield from gauge("companions_steps_running", "Steps and loops under way.", calls.runs.count)
    if sessions.spool is None:
        return
    spool = sessions.spool.state()
    waited = 0.0 if spool.oldest_at is None else max(0.0, time.time() - spool.oldest_at)
    yield from gauge("companions_spool_entries", "Entries that wait on this machine's disk.", spool.entries)
    yield from gauge("companions_spool_bytes", "Bytes of their texts and metas.", spool.bytes)
    yield from gauge("companions_spool_limit_bytes", "Bytes from which on nothing more is taken.", spool.limit)
    yield from gauge("companions_spool_oldest_seconds", "How long the first of them has waited.", waited)
