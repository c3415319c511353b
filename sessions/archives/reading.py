"""Reading archives that anybody may have made: bounded, line by line, and never extracted to files.

Whether its sessions are such as steps write is ``checking``'s to say. What an archive says of owners and authors is not
believed by those who use this. Everything here blocks: it is called on threads.
"""

import hashlib
import json
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from companions.entries import Entry
from companions.errors import InputError
from sessions.archives import layout
from sessions.archives.listing import Listed, in_order
from sessions.archives.values import AGAIN, hold_against, value_of
from sessions.store import Opening
from sessions.whole_sessions import MOST_BYTES

MOST_RATIO, ALWAYS = 200, 64_000_000
"""An archive may unpack to so many times its size, and to so many bytes in any case."""
LINES = 64
"""An entry may have so many times the bytes of a text: it holds several, each letter escaped."""
MOST_MANIFEST = 32_000_000
SEVERAL = 500
"""Entries that are read at a time."""
ENCRYPTED = 1


@dataclass(slots=True)
class Archive:
    """An archive that is open.

    Attributes:
        text_limit: The most bytes of one text.
        template: Whether it holds questions without answers.
        sessions: What it holds, parents before their forks.
        digests: The SHA-256 of each file that it holds for queries.
    """

    path: Path
    text_limit: int
    template: bool
    sessions: tuple[Listed, ...]
    digests: frozenset[str]
    _zip: ZipFile
    _room: int

    @property
    def most_line(self) -> int:
        """The most bytes of one entry."""
        return LINES * self.text_limit

    def entries(self, listed: Listed, *, again: bool = False) -> Generator[list[Entry]]:
        """Read a session's entries, some at a time.

        Args:
            listed: The session.
            again: Whether they were read before: their length is known then, and they need not be held against the
                schema, which takes longer than all else.

        Raises:
            InputError: The file is not what the manifest says, or not an archive's.
        """
        name, found, size = layout.session_name(listed.opening.session_id), list[Entry](), 0
        with refusals(self.path), self._zip.open(name) as file:
            lines = _Lines(self, name, file, spends=not again)
            lines.take()
            for number in range(listed.entries):
                line = lines.take()
                ended = line.removesuffix(b"\n").removesuffix(b"," if number < listed.entries - 1 else b"")
                found.append(_entry(f"entry {number + 1} of {name}", ended, checked=again))
                size += len(line)
                if len(found) == SEVERAL or size >= MOST_BYTES:
                    yield found
                    found, size = [], 0
            if lines.take() != layout.LAST_LINE or lines.take() or lines.digest != listed.digest:
                raise InputError(f"{name} is not what the archive's manifest says.", AGAIN)
        yield found

    def file(self, digest: str, size: int, *, spends: bool) -> bytes:
        """Read one of ``digests``, and at most a byte more than its size; what was read before spends nothing."""
        with refusals(self.path), self._zip.open(layout.attachment_name(digest)) as file:
            content = file.read(size + 1)
        if spends:
            self.spend(len(content))
        return content

    def spend(self, count: int) -> None:
        """Count what was unpacked, so that a small file cannot keep a machine busy for ever."""
        self._room -= count
        if self._room < 0:
            raise InputError(
                f"{self.path.name} unpacks to more than {MOST_RATIO} times its size.",
                "It is no archive of this program's.",
            )


class _Lines:
    """The lines of one file of an archive, of which none may be longer than there is room for."""

    def __init__(self, archive: Archive, name: str, file: IO[bytes], *, spends: bool = True) -> None:
        self._archive, self._name, self._file, self._spends = archive, name, file, spends
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def take(self) -> bytes:
        """Read a line with its end; empty behind the last."""
        line = self._file.readline(self._archive.most_line + 1)
        if len(line) > self._archive.most_line:
            raise InputError(
                f"A line of {self._name} is longer than {self._archive.most_line:,} bytes.",
                "Set COMPANIONS_TEXT_LIMIT to what it was where the archive was made.",
            )
        if self._spends:
            self._archive.spend(len(line))
        self._digest.update(line)
        return line


@contextmanager
def opened(path: Path, *, text_limit: int) -> Generator[Archive]:
    """Open an archive, and read what it holds but its entries.

    Args:
        path: The file.
        text_limit: The most bytes of one text.

    Raises:
        InputError: It is no archive, of a newer version, or holds what no archive holds.
    """
    with refusals(path):
        file = ZipFile(path)
    with file:
        with refusals(path):
            archive = _opened(path, text_limit, file)
        yield archive


def _opened(path: Path, text_limit: int, file: ZipFile) -> Archive:
    _check_names(path, file)
    room = max(ALWAYS, MOST_RATIO * path.stat().st_size)
    digests = frozenset(found[1] for name in file.namelist() if (found := layout.ATTACHMENT.fullmatch(name)))
    archive = Archive(path, text_limit, template=False, sessions=(), digests=digests, _zip=file, _room=room)
    manifest = _manifest(archive, file)
    archive.template = manifest["template"]
    listed = [_listed(archive, file, told) for told in manifest["sessions"]]
    archive.sessions = tuple(in_order(path, listed))
    _check_list(path, file, archive, manifest)
    return archive


@contextmanager
def refusals(path: Path) -> Generator[None]:
    """Turn what a damaged or forged file does to its readers into our own words."""
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} is damaged, or no archive of this program's.", AGAIN) from error
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{path.name} cannot be read ({reason}).", "Name a file that this user can read.") from error


def _check_names(path: Path, file: ZipFile) -> None:
    names = [info.filename for info in file.infolist()]
    if len(set(names)) < len(names):
        raise InputError(f"{path.name} holds two files of the same name.", AGAIN)
    for info in file.infolist():
        if info.flag_bits & ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise InputError(f"{path.name} is encrypted, or packed in a way that archives are not.", AGAIN)
    if layout.MANIFEST not in names:
        raise InputError(
            f"{path.name} is no archive: it has no {layout.MANIFEST}.", "Name one that `companions export` made."
        )


def _manifest(archive: Archive, file: ZipFile) -> dict[str, Any]:
    with file.open(layout.MANIFEST) as member:
        content = member.read(MOST_MANIFEST + 1)
    archive.spend(len(content))
    if len(content) > MOST_MANIFEST:
        raise InputError(f"The manifest of {archive.path.name} is too long.", AGAIN)
    told = value_of(layout.MANIFEST, content)
    _check_version(archive.path, told, layout.ARCHIVE)
    hold_against("manifest", layout.MANIFEST, content)
    return told


def _check_version(path: Path, told: Any, wanted: str) -> None:
    if not isinstance(told, dict) or cast("dict[str, Any]", told).get("format") != wanted:
        raise InputError(f"{path.name} is no archive of this program's.", "Name one that `companions export` made.")
    version = cast("dict[str, Any]", told).get("version")
    if isinstance(version, int) and version > layout.VERSION:
        raise InputError(
            f"{path.name} has version {version} of the format, and this program knows versions up to {layout.VERSION}.",
            "Update this program.",
        )


def _listed(archive: Archive, file: ZipFile, told: Mapping[str, Any]) -> Listed:
    name = layout.session_name(told["session_id"])
    with file.open(name) as member:
        line = _Lines(archive, name, member).take()
    head = value_of(name, line.removesuffix(b"\n") + b"]}")
    _check_version(archive.path, head, layout.SESSION)
    hold_against("opening", name, json.dumps(head.get("session")).encode())
    try:
        opening = Opening(**head["session"])
    except ValueError:
        raise InputError(f"{name} names a parent without a base, or a base without a parent.", AGAIN) from None
    if opening.session_id != told["session_id"] or layout.first_line(opening) != line:
        raise InputError(f"{name} begins with another session, or in another way than an archive's files do.", AGAIN)
    return Listed(opening=opening, entries=told["entries"], digest=told["sha256"])


def _check_list(path: Path, file: ZipFile, archive: Archive, manifest: Mapping[str, Any]) -> None:
    ids = [listed.opening.session_id for listed in archive.sessions]
    counts = {"sessions": len(manifest["sessions"]), "entries": sum(listed.entries for listed in archive.sessions)}
    if len(ids) < len(manifest["sessions"]) or manifest["counts"] != counts:
        raise InputError(f"The manifest of {path.name} does not count what it lists.", AGAIN)
    known = {name(each) for each in ids for name in (layout.session_name, layout.transcript_name)}
    known |= {layout.MANIFEST, layout.SCHEMA, *map(layout.attachment_name, archive.digests)}
    for name in file.namelist():
        if name not in known:
            raise InputError(f"{path.name} holds a file that is none of an archive's: {name[:80]!r}.", AGAIN)


def _entry(place: str, line: bytes, *, checked: bool) -> Entry:
    value = value_of(place, line)
    if not checked:
        hold_against("entry", place, line)
    try:
        f"{value['id']}{value['companion_type']}{value['text']}".encode()
    except UnicodeEncodeError:
        raise InputError(f"In {place}, a text holds half of a character.", AGAIN) from None
    return layout.entry_of(value)
