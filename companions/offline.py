"""The offline editor: a writer made of rules, for machines without a model and for tests that need a repeatable one.

It tells proselint's findings in our words and applies the replacements that are plain corrections. It composes nothing:
a draft is the text that it was given, and a revision differs from its text in the replaced words alone.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from companions.corrections import Finding, revised, settled, told
from companions.errors import ModelError, ModelTimeoutError
from companions.models import OnText, Task, Written

PIECE = 16_000
"""Characters looked at in one go: between pieces other threads run, and the bound is looked at."""

# Lists for graded readers, and marks that are as they should be in Markdown: straight quotes, three dots, one space.
_LEFT_OUT = ("restricted", "typography.symbols", "typography.punctuation.spacing")

# What is not prose: code, and tokens such as addresses, paths and file names. A run of 51 letters is left out as well,
# because one of proselint's patterns takes time with the square of a word's length; RE2 cannot read a lone surrogate.
_CODE = re.compile(r"(?ms:^[ \t]*```.*?(?:^[ \t]*```|\Z))|`[^`\n]*`")
_TOKEN = re.compile(r"\S+")
_NOT_PROSE = re.compile(r"[/\\@\ud800-\udfff]|\w{2}\.\w{2}|\w{51}")

Raw = tuple[str, int, int, str | None]
Lint = Callable[[str], Iterator[Raw]]
"""A check's path, the span of its finding, and the replacement offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineEditor:
    """Writes by rules, without a language model.

    Attributes:
        timeout_seconds: The bound of one text.
    """

    timeout_seconds: float = 10.0

    @property
    def name(self) -> str:
        """How it is asked for."""
        return "offline"

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Write the task's text: the same for the same task, every time.

        Raises:
            ModelTimeoutError: The text took longer than the bound.
            ModelError: The text could not be read.
        """
        deadline = time.monotonic() + self.timeout_seconds
        try:
            async with asyncio.timeout(self.timeout_seconds):
                written = await asyncio.to_thread(_write, task, deadline)
        except TimeoutError as error:
            raise ModelTimeoutError(
                f"The offline editor did not finish within {self.timeout_seconds:g} seconds.",
                "Shorten the text, or configure a model.",
            ) from error
        except ModelError:
            raise
        except Exception as error:  # a writer promises to fail with nothing but ModelError
            raise ModelError(
                "The offline editor could not read this text.", "Change the text, or configure a model."
            ) from error
        if on_text is not None:
            on_text(written.text)
        return written


def _write(task: Task, deadline: float) -> Written:
    if unread := [each for message in task.messages for each in message.attachments]:
        raise ModelError(
            f"The offline editor reads text only, and the attachment {unread[0].name!r} is {unread[0].mime_type}.",
            "Configure a model that takes such attachments, or ask again without it.",
        )
    lint, version = _proselint()
    model = f"offline editor (proselint {version})"
    if task.step == "draft":
        return Written(text=task.text or task.query, model=model)
    found = settled(task.text, findings(task.text, lint, deadline))
    if task.step == "revise":
        return Written(text=revised(task.text, found), model=model)
    return Written(text=told(task.text, found), model=model, satisfied=not found)


@cache
def _proselint() -> tuple[Lint, str]:
    """Load proselint, on first use: a start must not pay for it.

    Its checks are asked one by one, since its registry is one for the whole process, and its limit on findings cuts by
    check and not by place.
    """
    # Loaded late, as said above; it ships its types inline without saying so.
    from proselint import checks, tools, version  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    asked = [check for check in checks.__register__ if not check.path.startswith(_LEFT_OUT)]

    def lint(piece: str) -> Iterator[Raw]:
        prepared = tools.LintFile("text", piece)  # puts a line end before the text, so that its spans count from 1
        for check in asked:
            for found in check.check_with_flags(prepared.content):
                start, end = found.span
                if check.flags.allow_quotes or not prepared.is_quoted_pos(start):
                    yield found.check_path, start - 1, end - 1, found.replacements

    return lint, version.__version__


def findings(text: str, lint: Lint, deadline: float) -> Iterator[Finding]:
    """Yield what is found in the prose of a text, piece by piece.

    Raises:
        TimeoutError: The deadline passed; a thread cannot be stopped from outside.
    """
    for offset, piece in _pieces(_TOKEN.sub(_hidden_unless_prose, _CODE.sub(_hidden, text))):
        if time.monotonic() > deadline:
            raise TimeoutError
        for family, start, end, replacement in lint(piece):
            finding = Finding.at(text, family, offset + start, offset + end, replacement)
            if finding is not None:
                yield finding


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text where it is least likely to part what belongs together."""
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            cuts = (text.rfind(gap, start, end) + len(gap) for gap in ("\n\n", "\n", " "))
            end = next((cut for cut in cuts if cut > start + PIECE // 2), end)
        yield start, text[start:end]
        start = end


def _hidden(found: re.Match[str]) -> str:
    return "~" * len(found[0])


def _hidden_unless_prose(found: re.Match[str]) -> str:
    return _hidden(found) if _NOT_PROSE.search(found[0]) else found[0]
