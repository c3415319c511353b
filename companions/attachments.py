"""Attachments: files and images that belong to a query, checked once, when they are made.

It knows which kinds there are and how one is shown in a prompt. Where the bytes are kept and who may read them is said
elsewhere; nothing is fetched, converted or drawn here.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from companions.errors import InputError

Kind = Literal["image", "pdf", "text"]

MOST = 8
"""Attachments of one query."""
NAME_CHARACTERS = 120
TYPES = "images (image/png, image/jpeg, image/gif, image/webp), application/pdf, and text (text/*, application/json)"

_PDF = "application/pdf"
_PDF_WITHIN = 1_024
"""Bytes within which a PDF's own mark stands; readers allow for something before it."""
_MARKS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_TEXTS = frozenset(
    f"application/{name}"
    for name in ("json", "ld+json", "x-ndjson", "xml", "yaml", "x-yaml", "toml", "javascript", "sql", "x-sh", "graphql")
)
_RECKONED = {"image": 6_000, "pdf": 24_000}
"""Bytes of text that one is reckoned as where a prompt's tokens are estimated; a large PDF as more."""
_PDF_SHARE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that belongs to a query.

    Attributes:
        name: How it is called, without a folder: 1 to ``NAME_CHARACTERS`` printable characters.
        mime_type: One of ``TYPES``, in small letters and without parameters; the bytes agree with it.
        data: The bytes; of a text UTF-8 without NUL.
        sha256: The digest by which they are found, in hexadecimal.
    """

    name: str
    mime_type: str
    data: bytes = field(repr=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what no model could be shown.

        Raises:
            InputError: The name, the type or the bytes are not as they are to be.
        """
        check_name(self.name)
        if kind_of(self.mime_type) is None:
            raise InputError(
                f"The attachment {self.name!r} has a type that is not taken: {self.mime_type[:80]!r}.",
                f"Attach {TYPES}.",
            )
        if not self.data:
            raise InputError(f"The attachment {self.name!r} is empty.", "Attach a file with something in it.")
        if not _agrees(self.mime_type, self.data):
            raise InputError(
                f"The bytes of the attachment {self.name!r} are not {self.mime_type}.",
                "Give the type that the file really has; text must be UTF-8.",
            )
        object.__setattr__(self, "sha256", hashlib.sha256(self.data).hexdigest())

    @property
    def kind(self) -> Kind:
        """What it is to a model."""
        return kind_of(self.mime_type) or "text"

    @property
    def text(self) -> str:
        """The words of a text."""
        return self.data.decode()

    @property
    def reckoned(self) -> int:
        """How many bytes of text it stands for where a prompt is estimated; of a text 0, since its words count."""
        share = len(self.data) // _PDF_SHARE if self.kind == "pdf" else 0
        return max(_RECKONED.get(self.kind, 0), share)

    def told(self) -> dict[str, Any]:
        """Give what an entry tells of it."""
        return {"name": self.name, "mime_type": self.mime_type, "bytes": len(self.data), "sha256": self.sha256}


def check_name(name: str) -> None:
    """Refuse what is no plain file name.

    Raises:
        InputError: It is empty, too long, or holds a slash or control characters.
    """
    plain = name.isprintable() and not set(name) & {"/", "\\"}
    if not name.strip() or not plain or len(name) > NAME_CHARACTERS or not name.strip("."):
        raise InputError(
            "An attachment has no name, or one that is too long or holds a slash or control characters.",
            f"Give it a plain file name of up to {NAME_CHARACTERS} characters.",
        )


def check_several(attachments: Sequence[Attachment], limit: int) -> None:
    """Refuse more than one query takes.

    Args:
        attachments: All of the query's.
        limit: The most bytes of them together.

    Raises:
        InputError: They are too many or too large.
    """
    if len(attachments) > MOST:
        raise InputError(
            f"There are {len(attachments)} attachments; a query takes {MOST}.", "Leave some out, or join them."
        )
    if sum(len(each.data) for each in attachments) > limit:
        raise too_large(limit)


def too_large(limit: int) -> InputError:
    """Make the error for attachments that are too large."""
    return InputError(
        f"The attachments of a query have more than {limit:,} bytes together, which is the limit.",
        "Attach less, or have COMPANIONS_ATTACHMENT_LIMIT raised.",
    )


def kind_of(mime_type: str) -> Kind | None:
    """Tell what a type is to a model; ``None`` if it is not taken."""
    if mime_type in _MARKS:
        return "image"
    if mime_type == _PDF:
        return "pdf"
    return "text" if mime_type in _TEXTS or (mime_type.startswith("text/") and len(mime_type) > len("text/")) else None


def plain_type(given: str) -> str:
    """Give a type in small letters, without parameters such as a character set."""
    return given.partition(";")[0].strip().lower()


def told_of(attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    """Give what an entry tells of its attachments."""
    return [each.told() for each in attachments]


def in_words(told: Sequence[dict[str, Any]]) -> str:
    """Name attachments that an entry tells of, with type and size."""
    return ", ".join(f"{each['name']} ({each['mime_type']}, {each['bytes']:,} bytes)" for each in told)


def shown(attachments: Iterable[Attachment]) -> list[tuple[str, str]]:
    """Give what stands of attachments among the material of a prompt: texts whole, others by name."""
    return [
        (
            "attachment",
            f"{each.name} ({each.mime_type}):\n\n{each.text}"
            if each.kind == "text"
            else f"{each.name} ({each.mime_type}) is attached beside this text.",
        )
        for each in attachments
    ]


def beside(attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Give those that no prompt can hold as text."""
    return tuple(each for each in attachments if each.kind != "text")


def _agrees(mime_type: str, data: bytes) -> bool:
    if mime_type == "image/webp":
        return data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    if mime_type in _MARKS:
        return data.startswith(_MARKS[mime_type])
    if mime_type == _PDF:
        return b"%PDF-" in data[:_PDF_WITHIN]
    try:
        return bool(data.decode().strip()) and b"\0" not in data
    except UnicodeDecodeError:
        return False
