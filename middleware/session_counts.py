"""Sessions and entries as OpenTelemetry counts: what an exporter that somebody has set up tells of; else nothing.

No text, id or owner is counted by: kinds of entries and companion types only.
"""

from opentelemetry import metrics

from companions.entries import Entry
from sessions.observers import Observed


class SessionCounts:
    """Counts, as an observer, what this process stores."""

    def __init__(self) -> None:
        """Make the counters."""
        meter = metrics.get_meter("companions")
        self._created = meter.create_counter("companions.sessions.created", description="Sessions opened or forked")
        self._archived = meter.create_counter("companions.sessions.archived", description="Sessions seen archived")
        self._deleted = meter.create_counter("companions.sessions.deleted", description="Sessions erased")
        self._entries = meter.create_counter("companions.entries", description="Entries stored")

    async def on_created(self, session: Observed) -> None:
        """Count a session."""
        self._created.add(1, {"companion.forked": session.parent is not None})

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Count an entry by kind and companion type."""
        del session
        self._entries.add(1, {"companion.kind": entry.kind, "companion.companion_type": entry.companion_type})

    async def on_archived(self, session: Observed) -> None:
        """Count a session that was not used for long."""
        del session
        self._archived.add(1)

    async def on_deleted(self, session: Observed) -> None:
        """Count a session that is gone."""
        del session
        self._deleted.add(1)
