"""Shares for tests: what processes have learned, as far as a store is to know it."""

from typing import Any

from sessions.pattern_store import Share


def share(process: str = "p1", version: int = 1, **given: Any) -> Share:
    """Make a share; nobody else makes the same of another process or version, unless all is given."""
    usual: dict[str, Any] = {
        "companion_type": "generic",
        "model": "openai:one",
        "state": {"slots": version, "of": process},
        "at": 1_000.25 + version,
    }
    return Share(process=process, version=version, **usual | given)
