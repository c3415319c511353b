"""Watching what goes through many bytes: none of it may do so in the event loop, where everybody else waits for it."""

import asyncio
from typing import Any

import pytest

LARGE = 1_000_000


class Watch:
    """What was given many bytes, and what of it in the event loop; the functions do their work all the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: set[str] = set()
        self.blocked: set[str] = set()
        self._monkeypatch = monkeypatch

    def over(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def watched(*given: Any, **chosen: Any) -> Any:
            if any(isinstance(each, bytes | str) and len(each) >= LARGE for each in given):
                self.seen.add(name)
                if _in_loop():
                    self.blocked.add(name)
            return real(*given, **chosen)

        self._monkeypatch.setattr(owner, name, watched)


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
