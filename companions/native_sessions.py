"""Native sessions: what a provider keeps of a companion's drafts, and whether the next draft may go on from there.

It compares, and asks nobody: a draft goes on from a response only while that holds, word for word, what the draft would
be told anyway. The call is ``native_models``'s work, and deleting what is kept ``responses_api``'s.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

HELD = 12
"""Newest texts of a response whose digests are kept with it: six queries and their answers, as many as a draft sees."""
MOST_CHARACTERS = 96_000
"""What a response may hold for a draft to go on from it, four times what a draft is told: its provider reads all of it
for every draft, and bills it."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")

FellBack = Literal["expired", "unsupported", "edited"]
"""Why a draft was told everything: its provider had lost the response, or keeps none, or what it keeps was edited."""


class KeptResponse(NamedTuple):
    """What a provider keeps of a draft.

    Attributes:
        id: The name that it gave to it.
        account: The digest of its server and the key by which it was asked; ``None`` if that is not told.
    """

    id: str
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeSession:
    """How a draft is asked where its provider keeps the session.

    Attributes:
        told: Digests of the earlier queries and answers that the draft is told, oldest first.
        told_characters: Of these texts.
        asked: The digest of what is asked of it now.
        asked_characters: Of that.
        kept: What the entry of the newest of those answers tells of its response; empty if nothing.
        edits: The ``seq`` of the newest edit of the companion's history that the draft is told; 0 without any.
    """

    told: tuple[str, ...]
    told_characters: int
    asked: str
    asked_characters: int
    kept: Mapping[str, Any] = field(default_factory=dict[str, Any])
    edits: int = 0

    @classmethod
    def of(cls, texts: Sequence[str], kept: Mapping[str, Any] | None, *, edits: int = 0) -> "NativeSession":
        """Make it of the texts of a prompt without its instructions, of which the last is what is asked."""
        *told, asked = texts
        return cls(
            told=tuple(digest(text) for text in told),
            told_characters=sum(map(len, told)),
            asked=digest(asked),
            asked_characters=len(asked),
            kept=kept or {},
            edits=edits,
        )

    @property
    def edited(self) -> bool:
        """Whether the response knew other edits, so that it may hold what is to be told no more.

        When it was stored does not say so: another process may have edited while it was written.
        """
        return "held" in self.kept and self.kept.get("edits", 0) != self.edits

    def response_to_go_on_from(self, line: str) -> str | None:
        """Give the id of the response that holds what the draft is told; ``None`` if there is none.

        Args:
            line: The digest of who is asked, and by which instructions.
        """
        newest = tuple(self.kept.get("held", ()))[-len(self.told) :]
        fits = bool(self.told) and newest == self.told and self.kept.get("line") == line and not self.edited
        kept = kept_response(self.kept) if fits and self.kept.get("characters", 0) <= MOST_CHARACTERS else None
        return None if kept is None else kept.id

    def written(self, line: str, response: KeptResponse, text: str, *, new_only: bool) -> dict[str, Any]:
        """Give what the entry of the draft keeps of the response that wrote it.

        Args:
            line: As above.
            response: That.
            text: What it wrote.
            new_only: Whether it went on from another one.
        """
        before = self.kept["held"] if new_only else self.told
        characters = self.kept["characters"] if new_only else self.told_characters
        return {
            "response_id": response.id,
            "account": response.account,
            "line": line,
            "held": [*before, self.asked, digest(text)][-HELD:],
            "characters": characters + self.asked_characters + len(text),
            "edits": self.edits,
            "sent": "new" if new_only else "whole",
        }


def kept_response(kept: object) -> KeptResponse | None:
    """Read from what an entry keeps which response that is; ``None`` if there is none that could be one."""
    told = cast("Mapping[str, object]", kept if isinstance(kept, Mapping) else {})
    given, account = told.get("response_id"), told.get("account")
    if not (isinstance(given, str) and _ID.fullmatch(given)):
        return None
    return KeptResponse(given, account if isinstance(account, str) else None)


def digest(*texts: str) -> str:
    """Tell texts from others: 16 hexadecimal digits."""
    written = json.dumps(texts, ensure_ascii=False).encode(errors="replace")
    return hashlib.sha256(written).hexdigest()[:16]
