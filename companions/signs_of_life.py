"""What an HTTP client hears of a provider, told to the patience of the call that it works for.

These are hooks of httpx and of httpx2, which have the same; nothing of either is imported. What a sign is worth is
``patience``'s to say.
"""

from typing import Protocol

from companions.patience import Patience


class Answer(Protocol):
    """What is looked at of a response."""

    @property
    def is_error(self) -> bool:
        """Whether its status is a refusal."""
        ...

    @property
    def status_code(self) -> int:
        """Of HTTP."""
        ...


async def note_request(_: object) -> None:
    """Note that the client asks, or asks again."""
    if patience := Patience.current():
        patience.requested()


async def note_response(response: Answer) -> None:
    """Note a refusal: what follows may be the client's own back-off."""
    patience = Patience.current()
    if patience is not None and response.is_error:
        patience.refused(response.status_code)
