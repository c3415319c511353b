"""Prompts: what each step says to a model, or to a caller that writes, and how a critic's verdict is read back.

The instructions come from companion types, and what is seen of a session is chosen by ``tasks``; this module only sets
them down so that nobody can take material for instructions. Nothing goes through a template: texts are joined, so that
braces, tags and backticks survive byte for byte.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from companions.material import MATERIAL, Blocks, material
from companions.models import Message

Verdict = Literal["line", "argument"]

NOTHING_LEFT = "Nothing is left to improve."
"""The text of a critique whose writer gave the verdict alone."""

_DRAFT = "Reply with the text itself, in the language of the query, without remarks about it."
_WHOLE = (
    "Reply with the whole revised text and nothing else, in the language it has now: no preamble, no tags, no remarks "
    "about what was changed."
)
_VERDICTS = {
    "line": (
        'End with a line that holds only {"verdict": "accept"} if nothing is left to improve, '
        'and only {"verdict": "revise"} otherwise.'
    ),
    "argument": (
        "If nothing is left to improve, set satisfied=true in your call instead of writing a critique; otherwise "
        "write it."
    ),
}

_UNMET = " It fails the checks named: that was measured. Say how each is to be met."
_MEET = " Meet the failing checks."
_ASPECT_ALONE = "Other critics look at the rest. The verdict is yours, about this aspect alone."
_PARTS = (
    "Write one part for each of these aspects, in this order, under its name as a heading of level 2; where an aspect "
    "leaves nothing to improve, say so in one line. Nothing is left to improve only if that holds for all of them."
)

_LOOKED_UP = "You have called tools, which gave these results; there are no more calls. Write what was asked for above."

_SYNTHESIS = (
    "Answer the query from the contributions of others: take what is right in each, decide by reasons where they "
    "differ, and name what they leave open."
)
_COMPARE = "You compare two texts that were written for the same query. Length is no merit, and neither is being first."

_VERDICT_LENGTH = 200  # a longer last line is prose; not worth parsing, nor safe to


def draft_messages(
    instructions: str,
    *,
    query: str,
    history: Sequence[tuple[str, str]],
    session: str = "",
    contributions: Sequence[tuple[str, str]] = (),
    attached: Blocks = (),
) -> tuple[Message, ...]:
    """Ask for a draft; with nothing else to show, the query is asked exactly as it came.

    Args:
        instructions: The companion type's own.
        query: What the person asked.
        history: Earlier queries and the texts that answered them, oldest first.
        session: What a companion that sees its session is shown of it; "" for the others.
        contributions: Other companions' names and answers, for the one that draws them together.
        attached: What is shown of the query's attachments; here and below it stands first, since it never changes.
    """
    messages = [Message("system", f"{instructions}\n\n{_DRAFT}")]
    for earlier, answer in history:
        messages += [Message("human", earlier), Message("ai", answer)]
    given = [("contribution", f"By {name}:\n\n{text}") for name, text in contributions]
    shown = [*attached, ("session", session), *given]
    ask = f"{_SYNTHESIS if contributions else 'Answer the query.'} {MATERIAL}"
    asked = material([*shown, ("query", query)], ask) if session or contributions or attached else query
    return (*messages, Message("human", asked))


def critique_messages(
    instructions: str,
    *,
    query: str,
    draft: str,
    revisions: Sequence[str],
    evidence: str | None,
    verdict: Verdict,
    unmet: str = "",
    attached: Blocks = (),
) -> tuple[Message, ...]:
    """Ask for a critique of the newest text; what changes from one iteration to the next stands last.

    Args:
        instructions: The companion type's own.
        query: What the person asked.
        draft: The baseline.
        revisions: The newest revisions, oldest first; the draft is criticised if there is none.
        evidence: What the caller found out: test output, notes, facts.
        verdict: How the critic says that nothing is left: in a last ``line``, or by an ``argument`` of its next call.
        unmet: The checks that the newest text fails; "" if none.
        attached: What is shown of the query's attachments.
    """
    names = ["draft", *(["earlier_revision"] * (len(revisions) - 1) + ["newest_revision"])[: len(revisions)]]
    blocks = [*attached, ("query", query), *zip(names, [draft, *revisions], strict=True)]
    blocks += [("evidence", evidence or ""), ("failing_checks", unmet)]
    newest = names[-1].replace("_", " ")
    target = f"Criticise the {newest}" + ("; the other versions are for comparison." if revisions else ".")
    weigh = (" Weigh the evidence." if evidence else "") + (_UNMET if unmet else "")
    return (
        Message("system", instructions),
        Message("human", material(blocks, f"{target}{weigh} {MATERIAL} {_VERDICTS[verdict]}")),
    )


def with_aspect(messages: Sequence[Message], name: str, focus: str | None) -> tuple[Message, ...]:
    """Ask one of several critics; all are asked alike up to here, so that a provider reads the long part once."""
    about = f"Look at one aspect only: {name}{f' ({focus})' if focus else ''}."
    return _with_more(messages, f"{about} {_ASPECT_ALONE}")


def with_parts(messages: Sequence[Message], aspects: Sequence[tuple[str, str | None]]) -> tuple[Message, ...]:
    """Ask one writer to look at each aspect, a name and a focus, in turn."""
    listed = "\n".join(f"- {name}{f': {focus}' if focus else ''}" for name, focus in aspects)
    return _with_more(messages, f"{_PARTS}\n\n{listed}")


def with_results(messages: Sequence[Message], results: Blocks) -> tuple[Message, ...]:
    """Ask once more, without tools, with the calls that were made and what each gave."""
    given = [("result", f"{call}\n\n{text}") for call, text in results]
    return _with_more(messages, material(given, f"{_LOOKED_UP} {MATERIAL}"))


def revision_messages(
    instructions: str, *, query: str, text: str, critique: str, unmet: str = "", attached: Blocks = ()
) -> tuple[Message, ...]:
    """Ask for the whole text anew, with the critique answered and the checks met that it fails."""
    blocks = [*attached, ("query", query), ("text", text), ("critique", critique), ("failing_checks", unmet)]
    ask = f"Revise the text in the light of the critique.{_MEET if unmet else ''} {MATERIAL} {_WHOLE}"
    return Message("system", instructions), Message("human", material(blocks, ask))


def comparison_messages(
    texts: tuple[str, str], *, query: str, evidence: str, names: str, verdict: Verdict
) -> tuple[Message, ...]:
    """Ask which of two texts answers the query better.

    Args:
        texts: In the order in which they are shown.
        query: What the person asked.
        evidence: What the caller found out; "" for nothing.
        names: One letter for each text, such as ``AB``.
        verdict: Whether the answer is a ``line`` of JSON, or a word as an ``argument`` of the next call.
    """
    one, two = names
    blocks = [("query", query), *zip((f"text_{one}", f"text_{two}"), texts, strict=True), ("evidence", evidence)]
    ask = f"Which of the two texts answers the query better, {one} or {two}?"
    how = {
        "line": f'Reply with one line: {{"better": "{one}"}}, {{"better": "{two}"}}, or {{"better": "tie"}}.',
        "argument": f"Give {one}, {two}, or tie{names} as text.",
    }
    return Message("system", _COMPARE), Message("human", material(blocks, f"{ask} {MATERIAL} {how[verdict]}"))


def read_comparison(reply: str, names: str) -> str | None:
    """Read which text a model called better: its letter, or ``tie``; ``None`` if it was not said as agreed."""
    body = reply.strip()
    inner = _fenced(body)[0] if body.endswith("```") else _last_line(body)[0]
    if len(inner) > _VERDICT_LENGTH:
        return None
    try:
        pairs = json.loads(inner, object_pairs_hook=tuple)
    except ValueError:
        return None
    return next((choice for choice in (*names, "tie") if pairs == (("better", choice),)), None)


def instructions_for_caller(messages: Sequence[Message]) -> dict[str, str]:
    """Tell a prompt as two texts, ``system`` and ``user``, to a caller that takes no list of messages."""
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    said = [message for message in messages if message.role != "system"]
    if len(said) == 1:
        return {"system": system, "user": said[0].text}
    names = ["earlier_query" if message.role == "human" else "earlier_answer" for message in said[:-1]]
    blocks = zip([*names, "now"], (message.text for message in said), strict=True)
    return {
        "system": system,
        "user": material(list(blocks), "The earlier exchange is context; answer what is asked now."),
    }


def read_verdict(reply: str) -> tuple[str, bool]:
    """Part a critique from its verdict.

    Only a last line, or a last fenced block, that is exactly the agreed JSON object counts. Without one the critic has
    not accepted, whatever its prose says, and the reply stays as it is.

    Returns:
        The critique without its verdict, and whether it accepts. An accepting critique that says nothing else becomes
        one plain sentence; one that asks for a revision and does not say which stays empty.
    """
    body = reply.rstrip()
    inner, before = _fenced(body) if body.endswith("```") else _last_line(body)
    accepted = _parsed(inner)
    if accepted is None:
        return reply, False
    text = before.rstrip()
    return (text or NOTHING_LEFT) if accepted else text, accepted


def _last_line(body: str) -> tuple[str, str]:
    before, _, line = body.rpartition("\n")
    return line, before


def _fenced(body: str) -> tuple[str, str]:
    """Give what the closing fence closes, and what stands before it; an unopened fence holds nothing."""
    inside, end, closing = body.rpartition("\n")
    before, opening, inner = inside.rpartition("```")
    language, newline, inner = inner.partition("\n")
    opens = not before or before.rpartition("\n")[2].strip() == ""
    holds = opening and end and newline and opens and closing.strip() == "```" and language.strip() in {"", "json"}
    return (inner, before) if holds else ("", body)


def _parsed(text: str) -> bool | None:
    """Read the agreed object and no other: ``True`` for accept, ``False`` for revise, else ``None``."""
    if len(text) > _VERDICT_LENGTH:
        return None
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)
    except ValueError:
        return None
    if pairs == (("verdict", "accept"),):
        return True
    return False if pairs == (("verdict", "revise"),) else None


def _with_more(messages: Sequence[Message], more: str) -> tuple[Message, ...]:
    *before, asked = messages
    return (*before, replace(asked, text=f"{asked.text}\n\n{more}"))
