"""Files that a person attaches at the terminal: read, and given the type that their bytes and names show.

What may be attached is ``companions.attachments``'s to say.
"""

import mimetypes
from collections.abc import Iterable
from pathlib import Path

from companions.attachments import Attachment, kind_of
from companions.errors import InputError

MARKS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"%PDF-": "application/pdf"}
PLAIN = "text/plain"
NEVER_TEXT = ("image/", "audio/", "application/zip", "application/pdf")


def read_files(files: Iterable[str]) -> tuple[Attachment, ...]:
    """Read files that are to be attached.

    Raises:
        InputError: One of them cannot be read, or is of no kind that can be attached.
    """
    return tuple(_read(Path(file)) for file in files)


def _read(path: Path) -> Attachment:
    name = path.name.encode(errors="surrogateescape").decode(errors="replace")
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{name} cannot be read ({reason}).", "Check the path given by --attach.") from None
    return Attachment(name=name, mime_type=_type_of(name, data), data=data)


def _type_of(name: str, data: bytes) -> str:
    """Tell a file's type: what its first bytes say, else its name, else text, which source of any language is.

    What is named as a picture or a sound, or is no text, is of the type of its name: whoever checks it refuses it.
    """
    marked = next((mime_type for mark, mime_type in MARKS.items() if data.startswith(mark)), None)
    if marked is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        marked = "image/webp"
    named = mimetypes.guess_type(name)[0] or PLAIN
    taken = kind_of(named) == "text"
    return marked or (named if taken or named.startswith(NEVER_TEXT) or not _reads(data) else PLAIN)


def _reads(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
