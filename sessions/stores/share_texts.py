"""How shares are written down, the same in every store that writes: as JSON in ASCII.

So any name and any text can be kept everywhere, and no name can be taken for another. It reads and writes no store.
"""

import json
from collections.abc import Iterable
from operator import attrgetter

from sessions.pattern_store import Share

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def name_of(share: Share) -> str:
    """Give what names a share: the companion type, the model and the process."""
    return _JSON.encode(share.name)


def type_of(companion_type: str) -> str:
    """Give a companion type as it stands in a name, behind the opening bracket and before a comma."""
    return _JSON.encode(companion_type)


def body_of(share: Share) -> str:
    """Give what else a share holds, but for its version; equal shares give equal texts."""
    return _JSON.encode([share.at, dict(share.state)])


def shares_of(rows: Iterable[tuple[str, int, str]]) -> list[Share]:
    """Read shares from their names, versions and bodies, in whatever order they come.

    Raises:
        JSONDecodeError: One of them is damaged.
    """
    return sorted((_share_of(*row) for row in rows), key=attrgetter("name"))


def _share_of(name: str, version: int, body: str) -> Share:
    companion_type, model, process = json.loads(name)
    at, state = json.loads(body)
    return Share(companion_type=companion_type, model=model, process=process, version=version, state=state, at=at)
