"""Companions: thinkers that draft, critique and revise. They know no MCP, no store and no environment.

What is offered here for use from Python loads on first use, since it brings LangChain: an import of this package, or of
a module in it that needs none, stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from companions.face import (
        BugTriageCompanion,
        GenericCompanion,
        MarketingCompanion,
        StrategyCompanion,
        ThinkingCompanion,
        Thought,
    )

__all__ = [
    "BugTriageCompanion",
    "GenericCompanion",
    "MarketingCompanion",
    "StrategyCompanion",
    "ThinkingCompanion",
    "Thought",
]


def __getattr__(name: str) -> Any:
    """Load the Python face when one of its names is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("companions.face"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
