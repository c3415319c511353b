"""Stands where a catalog wants the offline editor and a test does not."""

from companions.models import OnText, Task, Written


class NobodysEditor:
    name = "offline"

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        del on_text
        return Written(text=task.text, model=self.name)
