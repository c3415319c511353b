"""Reading sessions of the seed project: one JSON file each, its companions' run_logs made into entries.

It reads no file and stores nothing. What a slot lacks is left out; lengths that no order of steps could have built are
refused. ``history`` is the run_log told as messages, and is not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, cast

from companions.companion import phase_of
from companions.companion_types import CompanionType, Library
from companions.configuration import Configuration, Defaults
from companions.entries import Entry, Note
from companions.errors import InputError, UnknownNameError
from companions.models import Sampling
from sessions.archives.layout import as_json
from sessions.archives.values import value_of

LIKE = "generic"
"""Whose instructions a companion takes whose type is not known here."""
MOST_KEPT = 20_000
"""Bytes of a companion's own settings that are kept beside its configuration."""
MOST_NAME = 200
HOTTEST = 2
_SHAPE = "A session of the seed project is {created_at, last_accessed, companions: {TYPE: {run_log: [...]}}}."

Body = Mapping[str, Any]


def read(content: bytes, name: str, library: Library, defaults: Defaults) -> tuple[float, list[Entry]]:
    """Make entries of a file.

    Args:
        content: The file's content.
        name: Its name, for errors.
        library: The companion types that are known.
        defaults: What holds where the file says nothing.

    Returns:
        When it was made, in seconds since the epoch (0 where it does not say), and its entries; nobody wrote them yet.

    Raises:
        InputError: It is none, or a run_log's lengths are impossible; the message names companion and slot.
    """
    told = _object(value_of(name, content))
    companions = _object(told.get("companions"))
    if {"session", "run_logs"} <= told.keys():
        raise InputError(
            f"{name} is a session as `companions export ID` writes it, which is for reading.",
            "Import an archive: `companions export ID -o FILE.zip` writes one, of all sessions with --all.",
        )
    if not companions:
        raise InputError(f"{name} holds no companions.", _SHAPE)
    created_at = _moment(told.get("created_at")) or _moment(told.get("last_accessed")) or 0.0
    at = _moment(told.get("last_accessed")) or created_at
    notes = [note for kind, body in companions.items() for note in _notes(name, kind, body, library, defaults)]
    if not notes:
        raise InputError(f"No companion of {name} has a run_log with a query in it.", _SHAPE)
    return created_at, [_placed(note, seq, at) for seq, note in enumerate(notes, start=1)]


def _placed(note: Note, seq: int, at: float) -> Entry:
    return Entry(**asdict(note), seq=seq, id=f"seed-{seq}", author="", at=at)


def _notes(file: str, name: str, body: object, library: Library, defaults: Defaults) -> Iterator[Note]:
    known = _object(body)
    if not 0 < len(name) <= MOST_NAME or known != body or not isinstance(known.get("run_log", []), list | None):
        raise InputError(f"{file} holds a companion that is none, or whose run_log is no list.", _SHAPE)
    if not (slots := _list(known.get("run_log"))):
        return
    configuration = _configuration(known, _type(library, name), defaults)
    yield Note(companion_type=name, kind="configure", slot=0, meta=configuration.to_meta() | _kept(known))
    beside = {"threshold": configuration.threshold, "threshold_source": configuration.threshold_source}
    for number, slot in enumerate(slots):
        yield from _slot(f"Slot {number} of companion {name} in {file}", name, number, slot, beside)


def _slot(place: str, name: str, number: int, slot: object, beside: Body) -> Iterator[Note]:
    told = _object(slot)
    if told != slot:
        raise InputError(f"{place} is no object.", _SHAPE)
    query, draft = _text(place, told, "query"), _text(place, told, "draft")
    critiques, revisions = _texts(place, told, "critique"), _texts(place, told, "revision")
    try:
        phase_of(drafted=bool(draft), critiques=len(critiques), revisions=len(revisions))
    except ValueError:
        drafted = "a draft" if draft else "no draft"
        raise InputError(
            f"{place} has {drafted}, {len(critiques)} critiques and {len(revisions)} revisions, "
            "which no order of steps builds.",
            "Each revision answers one critique of a draft: mend the run_log, or take the slot out.",
        ) from None
    yield Note(companion_type=name, kind="query", slot=number, text=query, meta=beside)
    by = _by(told)
    if draft:
        yield Note(companion_type=name, kind="draft", slot=number, text=draft, meta=by)
    similarity = _list(told.get("similarity"))
    for index, text in enumerate(critiques):
        yield Note(companion_type=name, kind="critique", slot=number, index=index, text=text, meta=by)
        if index < len(revisions):
            measured = _number(similarity[index]) if index < len(similarity) else None
            meta = by | {"based_on": index} | ({} if measured is None else {"similarity": measured})
            yield Note(companion_type=name, kind="revision", slot=number, index=index, text=revisions[index], meta=meta)


def _by(slot: Body) -> dict[str, Any]:
    """Say who wrote a slot, and with what choices."""
    variant, sampling = slot.get("variant"), _object(slot.get("sampling"))
    found = {"model": variant} if isinstance(variant, str) and variant else dict[str, Any]()
    return found | ({"sampling": sampling} if sampling else {})


def _configuration(body: Body, chosen: CompanionType, defaults: Defaults) -> Configuration:
    """Take from a companion's settings what means the same here."""
    told = _object(body.get("config"))
    threshold, temperature = _number(told.get("similarity_threshold")), _number(told.get("temperature"))
    longest = next((found for key in ("max_loops", "max_iterations") if (found := _number(told.get(key)))), 0)
    return Configuration.choose(
        chosen,
        Defaults(
            execution_mode=defaults.execution_mode,
            model=defaults.model,
            similarity_threshold=threshold if threshold is not None and 0 <= threshold <= 1 else None,
            max_iterations=int(longest) if longest >= 1 else defaults.max_iterations,
            stopping=defaults.stopping,
        ),
        Sampling(temperature=temperature if temperature is not None and 0 <= temperature <= HOTTEST else None),
    )


def _kept(body: Body) -> dict[str, Any]:
    """Keep a companion's own settings as they are, if they are short: every reading of it brings them along."""
    told = {name: body[name] for name in ("config", "custom_attrs") if body.get(name)}
    return {"imported": told} if told and len(as_json(told)) <= MOST_KEPT else {}


def _type(library: Library, name: str) -> CompanionType:
    try:
        return library.get(name)
    except UnknownNameError:
        return library.get(LIKE)


def _text(place: str, slot: Body, key: str) -> str:
    text = slot.get(key) or ""
    if not isinstance(text, str):
        raise InputError(f"The {key} of {place[0].lower()}{place[1:]} is no text.", _SHAPE)
    return _whole(place, text)


def _texts(place: str, slot: Body, key: str) -> Sequence[str]:
    texts: Any = slot.get(key) or []
    found = [text for text in _list(texts) if isinstance(text, str)]
    if found != texts:
        raise InputError(f"The {key} of {place[0].lower()}{place[1:]} is no list of texts.", _SHAPE)
    return [_whole(place, text) for text in found]


def _whole(place: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{place} holds half of a character.", "Write it as valid Unicode.") from None
    return text


def _moment(told: object) -> float | None:
    """Read a moment, as ISO 8601 (in UTC where it names no zone) or seconds since the epoch."""
    if isinstance(told, str):
        try:
            moment = datetime.fromisoformat(told)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    number = _number(told)
    return number if number is not None and 0 <= number <= LAST_MOMENT else None


LAST_MOMENT = 250_000_000_000
"""Seconds since the epoch: the year 9892, which calendars can still tell."""


def _number(told: object) -> float | None:
    return told if isinstance(told, int | float) and not isinstance(told, bool) else None


def _object(told: object) -> dict[str, Any]:
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _list(told: object) -> list[Any]:
    return cast("list[Any]", told) if isinstance(told, list) else []
