"""A model for tests that writes what its script says, and the catalog in which it stands beside the real editor."""

from collections import deque
from dataclasses import dataclass, field

from companions.models import Model, OnText, Task, Written
from companions.offline import OfflineEditor
from tests.sessions.gate import Gate


@dataclass(slots=True)
class ScriptedModel:
    """A model that writes what its script says, or fails with it; without a script it numbers its texts.

    Attributes:
        tasks: What it was asked, in order.
        gate: Where it waits before it answers.
    """

    name: str = "scripted"
    script: deque[str | BaseException] = field(default_factory=deque[str | BaseException])
    tasks: list[Task] = field(default_factory=list[Task])
    gate: Gate = field(default_factory=Gate)

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        self.tasks.append(task)
        given = self.script.popleft() if self.script else f"Text {len(self.tasks)} of the scripted model."
        await self.gate.passed()
        if isinstance(given, BaseException):
            raise given.with_traceback(None)  # it may have been raised before
        if on_text is not None:
            on_text(given)
        return Written(text=given, model="scripted:1", usage={"input_tokens": 7, "output_tokens": len(given)})


@dataclass(frozen=True, slots=True)
class Catalog:
    """The scripted model, and the real offline editor beside it."""

    model: ScriptedModel

    def get(self, name: str | None) -> Model:
        return OfflineEditor() if name == "offline" else self.model
