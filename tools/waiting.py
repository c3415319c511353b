"""How tools wait for what they asked for: they report as long as they wait, and say in whose name they call."""

from fastmcp import Context

from sessions.calls import Waiting

NAME_SHOWN = 60
"""Most characters of a client's name: it stands in every entry and reply."""
REPORT_SECONDS = 3.0
"""How often a waiting call tells its progress: hosts reset their idle clocks on it."""


def waiting(ctx: Context, seconds: float) -> Waiting:
    """Wait for so many seconds, and report to the client meanwhile."""

    async def report(told: str, passed: float, characters: int) -> None:
        message = f"{told}: {characters:,} characters after {passed:.0f} s"
        await ctx.report_progress(progress=passed, message=message)

    return Waiting(seconds=seconds, every=REPORT_SECONDS, report=report)


def signature(ctx: Context) -> str:
    """Say which host's model writes, as far as the client tells."""
    params = ctx.session.client_params
    return "host" if params is None else f"host:{' '.join(params.client_info.name.split())[:NAME_SHOWN]}"
