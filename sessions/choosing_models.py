"""Which models are asked for a step, and which are anybody's but a caller's choice.

Asking them is ``writing``'s work, what they may spend is ``allowance``'s, and which may stand in for them is
``standing_in``'s to say.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from companions.companion_types import Library
from companions.configuration import Defaults
from companions.filters import FilteredModel
from companions.model_catalog import NotSetUp, whole_name
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
            for name in found.configuration.fallback_models:
                models.get(name)
            return models.get


def check_set_up(models: Models, name: str | None, fallbacks: Sequence[str] = ()) -> None:
    """Refuse a model that could not be asked, before anything is done for it, unless another stands in for it.

    Args:
        models: Where it is.
        name: It; ``None`` is the default one.
        fallbacks: Which are asked where it is down, as one that lacks a key is.

    Raises:
        UnknownNameError: Nobody has the name.
        ModelError: It and all of them lack a key.
    """
    lacking = [_not_set_up(models.get(each)) for each in (name, *fallbacks)]
    if lacking[0] is not None and all(lacking):
        raise lacking[0].error


def _not_set_up(model: Model) -> NotSetUp | None:
    within = model.model if isinstance(model, FilteredModel) else model
    return within if isinstance(within, NotSetUp) else None


def named_models(library: Library, defaults: Defaults, priced: Collection[str]) -> set[str]:
    """Name the models that whoever runs this program has named, and no caller."""
    types = library.types
    critics = (critic.model for known in types for critic in known.critics)
    further = (name for each in (defaults, *types) for name in (each.model, each.critic_model, each.comparison_model))
    fallbacks = (name for each in (defaults, *types) for name in each.fallback_models or ())
    return {whole_name(name) for name in (*further, *fallbacks, *critics, *priced) if name}
