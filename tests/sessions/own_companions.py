"""Models told apart by name, and a companion named own, whose settings a test chooses; its fixture is elsewhere."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from companions.entries import Entry
from companions.errors import UnknownNameError
from companions.models import Model
from companions.offline import OfflineEditor
from tests.sessions.faults import Process, ScriptedModel

CRITICS = """critics:
  - {name: accuracy, focus: "Are the facts {right}?", model: "one"}
  - {name: completeness, model: "two"}
  - {name: clarity, model: "three"}
"""
SECTIONS = "## Draft\nWrite.\n## Critique\nJudge.\n## Revision\nMend.\n"

Open = Callable[..., Awaitable[Process]]


@dataclass(slots=True)
class Named:
    """Models by name, each with a script of its own; a name without a script is nobody's."""

    models: dict[str | None, ScriptedModel] = field(default_factory=dict[str | None, ScriptedModel])

    def get(self, name: str | None) -> Model:
        if name == "offline":
            return OfflineEditor()
        if name not in self.models:
            raise UnknownNameError(f"There is no model {name!r}.", "Name another.")
        return self.models[name]

    def say(self, **texts: str | BaseException) -> None:
        for name, text in texts.items():
            self.models[name] = ScriptedModel(name, deque([text]))


async def drafted(process: Process, text: str = "A short text.") -> str:
    """Open a question with a draft of the caller's own."""
    return (await process.step("draft", companion_type="own", query="Q?", text=text)).session_id


async def critique(process: Process, session_id: str, **given: Any) -> Entry:
    answer = await process.step("critique", session_id, **given)
    assert answer.entry is not None
    return answer.entry
