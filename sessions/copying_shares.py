"""Copying what was learned from one store into another, each share as it is, and nothing of it twice.

It looks into no share. Shares that are added up into one are no longer known there, so that is all it can go by:
where the target holds shares that the source does not, some of them may be made of the source's.
"""

from itertools import groupby

from sessions.pattern_store import PatternStore, Share


async def copy_shares(source: PatternStore, target: PatternStore) -> None:
    """Copy the shares that the target does not hold, or holds older; made again, it changes nothing.

    Of a companion type with a model nothing is copied if the target holds a share that the source does not: it has
    learned of it itself since, or one of both has added up what it held. A damaged share is left behind.

    Raises:
        StoreError: One of the stores failed; what was stored until then stays.
    """
    shares, held = await source.shares(), {share.name: share for share in await target.shares()}
    for pair, several in groupby(shares, lambda share: share.name[:2]):
        known = {share.name: share for share in several}
        if all(name in known for name in held if name[:2] == pair):
            for share in known.values():
                await _bring(share, held.get(share.name), target)


async def _bring(share: Share, older: Share | None, target: PatternStore) -> None:
    if share.state and (older is None or older.version < share.version):
        # One that was put there meanwhile is newer than what was read, and stays.
        await target.fold_shares([] if older is None else [older], share)
