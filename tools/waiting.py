"""How tools wait for what they asked for: they report as long as they wait, and say in whose name they call."""

from dataclasses import dataclass, field

from fastmcp import Context

from sessions.calls import Waiting
from sessions.heard import Batch, Heard

NAME_SHOWN = 60
"""Most characters of a client's name: it stands in every entry and reply."""
REPORT_SECONDS = 3.0
"""How often a waiting call tells its progress while nothing new is written: hosts reset their idle clocks on it."""
LOOK_SECONDS = 0.5
"""How often it tells what a model has written meanwhile."""
SHOWN = 1_000
"""Most characters of a model's text in one message; how many are left out is said."""


def waiting(ctx: Context, seconds: float) -> Waiting:
    """Wait for so many seconds, and report to the client meanwhile."""
    return Waiting(seconds=seconds, every=LOOK_SECONDS, report=_Progress(ctx).report)


@dataclass(slots=True)
class _Progress:
    """What one call has told its client."""

    ctx: Context
    _shown: dict[str, int] = field(default_factory=dict[str, int])
    _next_at: float = REPORT_SECONDS

    async def report(self, told: str, passed: float, heard: Heard) -> None:
        """Tell what was written since, if anything was, or now and then that the step goes on."""
        batches = heard.since(self._shown, SHOWN)
        if not batches and passed < self._next_at:
            return
        self._shown |= {batch.companion_type: batch.upto for batch in batches}
        self._next_at = passed + REPORT_SECONDS
        head = f"{told}: {heard.characters:,} characters after {passed:.0f} s"
        lines = [head, *(_in_words(batch, named=heard.several) for batch in batches)]
        await self.ctx.report_progress(progress=passed, message="\n".join(lines))


def _in_words(batch: Batch, *, named: bool) -> str:
    whose = f"{batch.companion_type}:\n" if named else ""
    left_out = f"... {batch.left_out:,} more characters ...\n" if batch.left_out else ""
    return f"{whose}{left_out}{batch.text}"


def signature(ctx: Context) -> str:
    """Say which host's model writes, as far as the client tells."""
    params = ctx.session.client_params
    return "host" if params is None else f"host:{' '.join(params.client_info.name.split())[:NAME_SHOWN]}"
