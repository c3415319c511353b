"""Which models are asked for a step: asking them is ``writing``'s work, and what they may spend is ``allowance``'s."""

from typing import Protocol

from companions.models import Model
from companions.requests import Plan
from companions.writing import Choose


class Models(Protocol):
    """Where a step finds the models that it is to ask."""

    def get(self, name: str | None) -> Model:
        """Give a model by name; ``None`` is the default one. Raises ``CompanionsError`` for a name nobody has."""
        ...


def chosen(models: Models, found: Plan) -> Choose | None:
    """Give the way to a step's models; ``None`` when its caller writes.

    Raises:
        UnknownNameError: Nobody has the name that was asked for; one of several critics' shows when it is asked.
    """
    if (asked := found.request.sampling.model) is not None:
        models.get(asked)
    match found.mode:
        case "client":
            return None
        case "offline":
            return lambda _: models.get("offline")
        case "server":
            if not found.critics:
                models.get(found.sampling.model)
            return models.get
