"""The observers that other distributions bring: what stands in an entry point group, by name.

It loads them and tells them nothing. One that cannot be loaded is named in the log, and the others are loaded.
"""

import logging
from importlib.metadata import entry_points

from sessions.observers import Observer

log = logging.getLogger("companions.observers")

GROUP = "persistent_companions.observers"


def installed() -> list[tuple[str, Observer]]:
    """Load the installed observers; it imports their modules, and so blocks."""
    loaded: list[tuple[str, Observer]] = []
    for point in entry_points(group=GROUP):
        try:
            made = point.load()()
        except (Exception, SystemExit):
            log.exception("observer %s could not be loaded", point.name)
            continue
        if isinstance(made, Observer):
            loaded.append((point.name, made))
        else:
            log.error("observer %s could not be loaded: it lacks a method of an observer", point.name)
    return loaded
