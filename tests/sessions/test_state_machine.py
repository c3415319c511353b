"""A session under everything that can happen to it, compared after every step with what the contract says of it."""

import asyncio
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from collections.abc import Awaitable, Callable, Coroutine

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from companions.companion import Companion, phase_of
from companions.entries import Entry
from companions.errors import CompanionsError, ConflictError, InputError, ModelError, ModelTimeoutError, StoreError
from companions.models import Sampling
from sessions.answers import Answer
from sessions.memory_store import MemoryStore
from sessions.reading import Reading
from sessions.session import read_companion
from sessions.sqlite_store import SQLiteStore
from sessions.store import Store
from tests.sessions.faults import OWNER, Fault, Process
from tests.sessions.oracle import Expected, OracleCompanion, Step
from tests.sessions.pages import merged, pages

T = TypeVar("T")

TYPES = ("generic", "strategy", "marketing")
BASE = "The quick brown fox jumps over the lazy dog, {and} then \"rests\" a while in the shade of an old oak tree."
TEXTS = (
    BASE,
    BASE + " It wakes at dusk.",
    BASE.replace("fox", "cat"),
    BASE[:40],
    "No.",
    "Blue {0} %s ${x} 漢字 🧠.",
    (BASE + " ") * 30,
    "Something about tax law, deadlines and the forms that are due at the end of every quarter.",
    "\n Leading and trailing space.\n\n",
    "teh cat is very unique and and sat.",
)
FAILURES: tuple[BaseException | None, ...] = (
    None,
    None,
    None,
    ModelError("It failed.", "Call again."),
    ModelTimeoutError("It took too long.", "Call again."),
    asyncio.CancelledError(),
)
STEPS = st.sampled_from(("draft", "critique", "critique", "revise", "revise"))
COMPANIONS = st.sampled_from((*TYPES, "generic", "generic"))
QUERIES = st.sampled_from((None, None, "same", "same", "What now?", "And then?"))
WRITERS = st.sampled_from((None, "client", "client", "server", "offline"))
FAULTS = st.sampled_from(("none", "none", "before", "after", "bug"))
PROCESSES = st.integers(0, 1)
