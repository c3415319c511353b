"""Refreshing what listings show of sessions in Redis: each session's projection, and its place among its owner's.

Which projection is newer is compared by a script; how listings are read is ``listings``'s work.
"""

from collections.abc import Sequence

from sessions.store import Projection
from sessions.stores.redis import rows, scripts
from sessions.stores.redis.driver import call, command
from sessions.stores.redis.link import RedisLink


async def project(link: RedisLink, projections: Sequence[Projection]) -> None:
    """Refresh projections; see ``Store.project``."""
    if not projections:
        return
    taken = await link.run(
        *(
            call(scripts.PROJECT, [scripts.head(shown.session_id)], shown.seq, rows.projection_text(shown))
            for shown in projections
        )
    )
    # Only where the index still has the session: it may have been forgotten since.
    used = [
        command("ZADD", scripts.owned(rows.opening(shown.session_id, opening).owner), "XX", *_scored(shown))
        for shown, opening in zip(projections, taken, strict=True)
        if opening is not None
    ]
    if used:
        await link.run(*used)


def _scored(shown: Projection) -> tuple[float, str]:
    return shown.last_used, shown.session_id
