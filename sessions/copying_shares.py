"""Copying what was learned from one store into another, each share as it is.

It reads no share's state. What the target has learned itself stays; so does a share that it holds as new or newer.
"""

from sessions.pattern_store import PatternStore


async def copy_shares(source: PatternStore, target: PatternStore) -> None:
    """Copy the shares that the target does not hold, or holds older; made again, it changes nothing.

    Raises:
        StoreError: One of the stores failed; what was stored until then stays.
    """
    held = {share.name: share for share in await target.shares()}
    for share in await source.shares():
        older = held.get(share.name)
        if older is None or older.version < share.version:
            # One that was put there meanwhile is newer than what was read, and stays.
            await target.fold_shares([] if older is None else [older], share)
