"""Corrections: what a style checker found in a text, told in our words, and replaced where a rule may decide.

It knows no checker: ``offline`` brings the findings. Replacements that are matters of taste, of people or of meaning
are told and left to the writer.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SHOWN = 50
"""Most findings that a critique lists."""
QUOTED = 120
"""Most characters that a critique quotes of one."""

LEFT_TO_THE_WRITER = (
    "misc.capitalization.seasons",
    "misc.capitalization.terms",
    "misc.latin",
    "misc.professions",
    "needless_variants",
    "psychology",
    "social_awareness",
    "terms",
    "typography",
)
# Phrases of the other families whose replacement is misspelled itself, or says something else.
MISTAKEN = frozenset(
    {
        "a strange one",
        "armed reconnaissance",
        "at the present time the",
        "permanent layoff",
        "pregnancy termination",
        "private industry",
        "sexually ambidextrous",
        "statute of limits",
        "transhipped",
        "vapidness",
    }
)
_CHOICE = re.compile(r"' or '?| / ")

# What is wrong, by family of checks; the nearest family of a dotted path counts.
_WRONG: Mapping[str, str] = {
    "annotations": "a note to the author, left in the text",
    "archaism": "an old-fashioned word",
    "cliches": "a worn phrase",
    "dates_times": "an unclear or unusual way to write a date or time",
    "hedging": "hedges where a plain statement would do",
    "industrial_language": "jargon that outsiders stumble over",
    "lexical_illusions": "the same words twice in a row",
    "malapropisms": "only sounds like what is meant",
    "misc.but": "opens a paragraph with But",
    "misc.capitalization": "small and capital letters",
    "misc.composition": "more words than the thought needs",
    "misc.greylist": "a heavy word where a plain one would do",
    "misc.latin": "Latin where plain words would do",
    "misc.phrasal_adjectives": "hyphens",
    "misc.preferred_forms": "another form is the usual one",
    "misc.tense_present": "a slip of grammar or idiom",
    "mixed_metaphors": "a picture that does not hold together",
    "mondegreens": "a phrase that was misheard",
    "needless_variants": "a rare form of a common word",
    "nonwords": "not a word of careful prose",
    "oxymorons": "contradicts itself",
    "redundancy": "says the same thing twice",
    "skunked_terms": "readers take this word in different ways",
    "social_awareness": "some readers may feel left out or offended",
    "spelling": "a misspelling",
    "spelling.consistency": "spelled in two ways in one text",
    "spelling.ve_of": '"of" where "have" is meant',
    "terms": "there is a more exact name",
    "typography": "accents or marks",
    "typography.punctuation": "more emphasis than the sentence carries",
    "uncomparables": "grades what has no grades",
    "weasel_words": "adds emphasis and no fact",
}
_WRONG_SOMEHOW = "worth a second look"

# The article before the words that are replaced; an opening mark of emphasis or quotation may stand between.
_ARTICLE = re.compile("(?<![\\w'\u2019-])([Aa])([Nn]?)(?=\\s{1,3}[*_\"\u201c\u2018'(]{0,3}\\Z)")
_NEAR = 12  # characters that hold an article and what may stand around it
_SILENT_H = re.compile("heir|honest|hono|hour", re.IGNORECASE)
_AS_YOU_OR_ONE = re.compile(r"uni(?:[cfltv]|on|que|so)|u[st][aeiu]|ubiq|eu|once|one\b", re.IGNORECASE)
_ACRONYM = re.compile(r"[A-Z]{2,4}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to mend in a text.

    Attributes:
        family: The check's dotted path, such as ``spelling.ve_of``.
        start, end: Its span in the text, neither empty nor with white space at either end.
        words: What stands there.
        replacement: What could stand there instead, as a person would read it.
    """

    family: str
    start: int
    end: int
    words: str
    replacement: str | None = None

    @classmethod
    def at(cls, text: str, family: str, start: int, end: int, replacement: str | None) -> "Finding | None":
        """Trim a span of a text and fit the replacement's letters to it; ``None`` if nothing is left to mend."""
        words = text[max(start, 0) : max(end, 0)]
        start, words = max(start, 0) + len(words) - len(words.lstrip()), words.strip()
        fitted = None if replacement is None or words.lower() in MISTAKEN else _fitted(words, replacement)
        if not words or fitted == words:
            return None
        return cls(family=family, start=start, end=start + len(words), words=words, replacement=fitted)

    @property
    def applied(self) -> bool:
        """Whether a revision makes the replacement by itself."""
        if self.replacement is None or "..." in self.replacement or " or " in self.replacement:
            return False
        return not self.family.startswith(LEFT_TO_THE_WRITER)


def settled(text: str, found: Iterable[Finding]) -> list[Finding]:
    """Choose findings that do not overlap, in the order of the text: those that can be applied win, then the longer."""
    covered, chosen = bytearray(len(text)), list[Finding]()
    for one in sorted(found, key=lambda one: (not one.applied, one.start, -one.end, one.replacement is None)):
        if not any(covered[one.start : one.end]):
            covered[one.start : one.end] = b"x" * (one.end - one.start)
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def revised(text: str, found: Iterable[Finding]) -> str:
    """Apply the replacements that need no judgement, with the article before them; all else stays byte for byte."""
    parts, done = list[str](), 0
    for one in found:
        if one.applied and one.replacement is not None:
            parts += [_with_article(text[done : one.start], one.words, one.replacement), one.replacement]
            done = one.end
    return "".join([*parts, text[done:]])


def told(text: str, found: list[Finding]) -> str:
    """Tell the findings to a person, the first of them if there are many."""
    opening = "The offline editor reads by rules; no language model was used."
    if not found:
        return f"{opening} It found nothing to mend."
    applied = sum(one.applied for one in found)
    count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    lines = [f"{opening} {count}; revise will replace {applied}, left to a writer: {len(found) - applied}.", ""]
    line, seen = 1, 0
    for one in found[:SHOWN]:
        line, seen = line + text.count("\n", seen, one.start), one.start
        lines.append(f"- Line {line}, {_quoted(one.words)}: {_wrong(one.family)}{_advice(one)}.")
    if len(found) > SHOWN:
        lines += ["", f"These are the first {SHOWN}; the other {len(found) - SHOWN} are not listed."]
    return "\n".join(lines)


def _wrong(family: str) -> str:
    """Say in our words what a family of checks is about."""
    while family and family not in _WRONG:
        family = family.rpartition(".")[0]
    return _WRONG.get(family, _WRONG_SOMEHOW)


def _advice(one: Finding) -> str:
    if one.replacement is None:
        return ""
    return f"; replace it with {_quoted(one.replacement)}" if one.applied else f"; consider {_quoted(one.replacement)}"


def _quoted(words: str) -> str:
    shown = " ".join(words.split())
    return f'"{shown}"' if len(shown) <= QUOTED else f'"{shown[:QUOTED].rstrip()} ..."'


def _fitted(words: str, replacement: str) -> str:
    """Give a replacement the capitals of the words that it stands for, unless capitals are what it corrects."""
    choice = _CHOICE.sub(" or ", replacement)
    if choice.lower() == words.lower():
        return choice
    if words.isupper() and len(words) > 1:
        return choice.upper()
    return choice[0].upper() + choice[1:] if words[0].isupper() else choice


def _with_article(before: str, words: str, replacement: str) -> str:
    """Change "a" to "an" or back where the new words begin with another kind of sound than the old ones."""
    needs_an = _sounds_like_a_vowel(replacement)
    if needs_an == _sounds_like_a_vowel(words):
        return before
    far, near = before[:-_NEAR], before[-_NEAR:]
    return far + _ARTICLE.sub(lambda found: found[1] + ("n" if needs_an else ""), near)


def _sounds_like_a_vowel(words: str) -> bool:
    if _ACRONYM.match(words):
        return words[0] in "AEFHILMNORSX"
    if _AS_YOU_OR_ONE.match(words):
        return False
    return _SILENT_H.match(words) is not None or unicodedata.normalize("NFD", words)[0].lower() in "aeiou"
