"""What a store can tell whose layout has a version: which one it has now, on the disk or the server itself.

Migrating and refusing layouts is each store's own work; here it is only told.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class VersionedStore(Protocol):
    """A store that outlives its processes, so that a newer program may have changed its layout meanwhile."""

    async def schema(self) -> int:
        """Read the version of the stored layout, from 1. Cheap: one value."""
        ...
