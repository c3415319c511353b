"""Who takes part: ours, the floor, and those rivals that are installed and run on the store at hand."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from benchmarks.persistence import floors, ours
from benchmarks.persistence.bars import FLOOR, OURS
from benchmarks.persistence.workload import Contestant, Entrant

OPENAI, LANGGRAPH, ADK, KEY_VALUE, LANGCHAIN = (
    "openai-agents",
    "langgraph",
    "google-adk",
    "py-key-value-aio",
    "langchain-postgres",
)

Opener = Callable[[str], AbstractAsyncContextManager[Contestant]]
_FLOORS: dict[str, Opener] = {"sqlite": floors.sqlite, "postgres": floors.postgres, "redis": floors.redis_streams}


@dataclass(frozen=True, slots=True)
class _Rival:
    """A rival by its distribution, and the name of the opener in its module."""

    family: str
    module: str
    opener: str
    which: str = ""

    @property
    def name(self) -> str:
        return f"{self.family} {self.which}".strip()


_RIVALS = {
    "sqlite": (
        _Rival(OPENAI, "openai_agents", "sqlite_sessions", "SQLiteSession"),
        _Rival(OPENAI, "openai_agents", "async_sqlite_sessions", "AsyncSQLiteSession"),
        _Rival(ADK, "adk", "sqlite"),
        _Rival(LANGGRAPH, "langgraph_savers", "sqlite"),
    ),
    "postgres": (
        _Rival(LANGCHAIN, "langchain_history", "postgres"),
        _Rival(OPENAI, "openai_agents", "sqlalchemy_sessions", "SQLAlchemySession"),
        _Rival(ADK, "adk", "postgres"),
        _Rival(LANGGRAPH, "langgraph_savers", "postgres"),
        _Rival(KEY_VALUE, "key_value", "postgres"),
    ),
    "redis": (
        _Rival(OPENAI, "openai_agents", "redis_sessions", "RedisSession"),
        _Rival(LANGGRAPH, "langgraph_savers", "redis"),
        _Rival(KEY_VALUE, "key_value", "redis"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Who would take part.

    Attributes:
        rival: Whether the others go on without it if it does not open.
    """

    name: str
    family: str
    opener: Opener
    rival: bool = False


def candidates(store: str, *, rivals: bool) -> list[Candidate]:
    """Find who would take part; rivals that are not installed are told of."""
    found = [
        Candidate(name=OURS, family=OURS, opener=ours.opened),
        Candidate(name=FLOOR, family=FLOOR, opener=_FLOORS[store]),
    ]
    for rival in _RIVALS[store] if rivals else ():
        try:
            module = import_module(f"benchmarks.persistence.rivals.{rival.module}")
        except ImportError as missing:
            print(f"without {rival.name}: {missing}")
        else:
            name = f"{rival.name} ({version(rival.family)})"
            found.append(Candidate(name=name, family=rival.family, opener=getattr(module, rival.opener), rival=True))
    return found


@asynccontextmanager
async def lineup(found: list[Candidate], urls: Mapping[str, str]) -> AsyncGenerator[list[Entrant]]:
    """Open everyone on a database of their own; a rival that does not open is told of and left out."""
    entrants: list[Entrant] = []
    async with AsyncExitStack() as stack:
        for candidate in found:
            url = urls[candidate.name]
            try:
                contestant = await stack.enter_async_context(candidate.opener(url))
            except Exception as error:
                if not candidate.rival:
                    raise
                print(f"without {candidate.name}: {_reason(error)}")
            else:
                entrants.append(Entrant(name=candidate.name, family=candidate.family, contestant=contestant, url=url))
        yield entrants


def family(entrants: list[Entrant], wanted: str) -> list[str]:
    """Name the entrants of a family."""
    return [entrant.name for entrant in entrants if entrant.family == wanted]


def turns(entrants: list[Entrant], number: int) -> list[Entrant]:
    """Give the order of a round; each has another first, so that nobody always follows the same one."""
    first = number % len(entrants)
    return entrants[first:] + entrants[:first]


def _reason(error: Exception) -> str:
    told = str(error).strip().split("\n")[0]
    return "needs RediSearch" if "FT." in told else f"{type(error).__name__}: {told}"
