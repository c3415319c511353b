"""What ``doctor`` finds: one line of its report each. Looking is done where something is to be found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    state: Literal["ok", "note", "wrong"]
    what: str
