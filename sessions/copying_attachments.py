"""Copying what is attached to a session from one store into another. What the target can read already is left there."""

from sessions.store import Store


async def copy_attachments(source: Store, target: Store, session_id: str) -> None:
    """Bring what a session can read in the source and not yet in the target, one at a time: each may be large.

    Raises:
        StoreError: One of the stores failed; what was stored until then stays.
    """
    there = await target.attachments.kept(session_id)
    for address, seq in (await source.attachments.kept(session_id)).items():
        if address not in there and (content := await source.attachments.get(session_id, (address,))) is not None:
            await target.attachments.put(session_id, seq, (content,))
