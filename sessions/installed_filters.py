"""The filters that other distributions bring: what stands in an entry point group, in order of name.

They are loaded once, when a model is first asked. One that cannot be loaded stops every model of ours until it can:
nobody knows what it was to hide.
"""

import asyncio
import logging
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from companions.filters import Filter, FilteredModel, Named, failed
from companions.models import Model
from sessions.choosing_models import Models

log = logging.getLogger("companions.filters")

GROUP = "persistent_companions.filters"


@dataclass(slots=True)
class FilteredModels:
    """The ``Models`` protocol over others, with the installed filters around each of them."""

    models: Models
    _loaded: "tuple[Named, ...] | None" = None

    def get(self, name: str | None) -> Model:
        """Give a model by name; see ``Models.get``."""
        return FilteredModel(self.models.get(name), self._load)

    async def _load(self) -> tuple[Named, ...]:
        if self._loaded is None:
            self._loaded = await asyncio.to_thread(installed)
        return self._loaded


def installed() -> tuple[Named, ...]:
    """Load the installed filters; it imports their modules, and so blocks.

    Raises:
        FilterError: One cannot be loaded.
    """
    return tuple(_loaded(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))


def _loaded(point: EntryPoint) -> Named:
    try:
        made = point.load()()
    except (Exception, SystemExit) as error:
        log.exception("filter %s could not be loaded", point.name)
        raise failed(point.name, "cannot be loaded") from error
    if not isinstance(made, Filter):
        log.error("filter %s could not be loaded: it lacks to_model or from_model", point.name)
        raise failed(point.name, "lacks a method of a filter")
    return Named(point.name, made)
