"""A session as one HTML page that needs nothing else: to be kept, printed, or sent to somebody.

It lays out what it is given. Reading the session, and where the page goes, is a surface's work. Texts are people's and
models': each is escaped, shown as it is, and nothing in the page can run or fetch anything.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

from companions.companion import version_of
from companions.entries import Entry
from companions.word_diff import laid_out, word_diff
from sessions import looked_up
from sessions.convergence_picture import STYLE as PICTURE_STYLE
from sessions.convergence_picture import convergence_svg
from sessions.convergence_points import shortened
from sessions.markdown import NOTES
from sessions.notes import in_words
from sessions.paged_views import moment
from sessions.usage import account_of, cost_told

Body = Mapping[str, Any]

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--quiet:#59636e;--ground:#fff;--raised:#f6f8fa;--edge:#d1d9e0;
--out:#ffebe9;--outink:#82071e;--in:#dafbe1;--inink:#0a4d1d;--answer:#1a7f37}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--quiet:#9198a1;--ground:#0d1117;--raised:#151b23;--edge:#3d444d;
--out:#4c1618;--outink:#ffc1ba;--in:#12361f;--inink:#aff5b4;--answer:#56d364}}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:52rem;background:var(--ground);color:var(--ink);
font:16px/1.55 system-ui,sans-serif}
h1,h2,h3{line-height:1.25;overflow-wrap:anywhere}h2{margin-top:2.5rem}
.quiet,summary span{color:var(--quiet);font-size:.875rem;font-weight:400}
.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.answer{border-left:4px solid var(--answer);padding:.25rem 1rem;margin:1rem 0}
details{border:1px solid var(--edge);border-radius:6px;background:var(--raised);margin:.75rem 0;padding:0 1rem}
details>:last-child:not(summary){padding-bottom:.75rem}
details details{background:var(--ground)}summary{padding:.6rem 0;cursor:pointer;font-weight:600}
del{background:var(--out);color:var(--outink)}ins{background:var(--in);color:var(--inink)}
svg{min-width:30rem;max-width:100%;height:auto;margin:1rem 0}
table{border-collapse:collapse}th,td{text-align:left;padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--edge)}
.scrolls{overflow-x:auto}
@media print{body{max-width:none;font-size:11pt}details{border:0;padding:0;background:none}
details::details-content{content-visibility:visible;block-size:auto}summary{break-after:avoid}}
"""
HEADING_CHARACTERS = 120
NAMES = {"draft": "Draft (version 0)", "critique": "Critique", "revision": "Revision"}
# A page has no place for these, and a reader that met one would stop or guess.
_NO_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTold:
    """One query of a companion: its entries in order, and the body of its ``convergence_analysis``."""

    entries: Sequence[Entry]
    analysis: Body


def report_html(overview: Body, companions: Mapping[str, Sequence[SlotTold]]) -> Iterator[str]:
    """Give the page, piece by piece.

    Args:
        overview: What is known of the session as a whole.
        companions: By companion type, its queries.
    """
    title = _text(overview["title"] or "A session")
    policy = (
        f"default-src 'none'; style-src {_digest(STYLE)} {_digest(PICTURE_STYLE)}; base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>"
        f'<h1 dir="auto">{title}</h1>'
        f'<p class="quiet">Session {_text(overview["session_id"])}, opened {_time(overview["created_at"])}, last used '
        f"{_time(overview['last_used'])}. {overview['versions']:,} versions.</p>\n"
    )
    yield _used(overview)
    for name, slots in companions.items():
        if len(companions) > 1:
            yield f"<h2>Companion {_text(name)}</h2>\n"
        for told in slots:
            yield from _slot(told)
    yield "</main></body></html>\n"


def _digest(style: str) -> str:
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


def _used(overview: Body) -> str:
    """Tell what models used; nothing where none counted."""
    models, spent = overview["models"], overview["spent"]
    if not models:
        return ""
    rows = "".join(
        f"<tr><td>{_text(name)}</td><td>{_count(used['input_tokens'])}</td><td>{_count(used['output_tokens'])}</td>"
        f"<td>{used['model_seconds']:,.1f} s</td></tr>"
        for name, used in [*models.items(), ("in all", spent)]
    )
    return (
        f"{_scrolling('Use of models')}<table><thead><tr><th>model</th><th>tokens read</th><th>tokens written</th>"
        f"<th>time</th></tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _count(tokens: int | str) -> str:
    """Tell a number; a model that did not report any has words in its place."""
    return f"{tokens:,}" if isinstance(tokens, int) else _text(tokens)


def _scrolling(name: str) -> str:
    """Begin what is wider than some screens; the keyboard must be able to scroll it too."""
    return f'<div class="scrolls" tabindex="0" role="group" aria-label="{name}">'


def _slot(told: SlotTold) -> Iterator[str]:
    analysis, versions = told.analysis, dict[int, Entry]()
    query = next((entry.text for entry in told.entries if entry.kind == "query"), "")
    heading = shortened(query, HEADING_CHARACTERS)
    yield f'<article><h2 dir="auto">{_text(heading)}</h2>\n'
    if heading != query:
        yield f"<details><summary>The whole query</summary>{_block(query)}</details>\n"
    answer = [each for each in told.entries if each.kind in ("draft", "revision") and _is_answer(each, analysis)]
    yield _answer(answer[-1], analysis) if answer else "<p>There is no answer yet.</p>\n"
    yield f"{_scrolling('Chart')}{convergence_svg(analysis)}</div>\n<h3>How it came about</h3>\n"
    for entry in told.entries:
        if entry.kind in NOTES:
            yield f'<p class="quiet text" dir="auto">{_text(in_words(entry))}</p>\n'
        elif entry.kind in NAMES:
            yield from _step(entry, versions)
        if entry.kind in ("draft", "revision"):
            versions[version_of(entry)] = entry
    yield "</article>\n"


def _is_answer(entry: Entry, analysis: Body) -> bool:
    return version_of(entry) == analysis["answer_version"]


def _answer(entry: Entry, analysis: Body) -> str:
    why = analysis["pick"] or "No version was picked; this one stands."
    return (
        f'<section class="answer"><h3>Answer: version {version_of(entry)}</h3>'
        f'<p class="quiet" dir="auto">{_text(why)}</p>{_block(entry.text)}</section>\n'
    )


def _step(entry: Entry, versions: Mapping[int, Entry]) -> Iterator[str]:
    """Give a step: a draft and a critique as they are, a revision as what it changed and, folded, as it is."""
    revised = entry.kind == "revision"
    opened = "" if entry.kind == "draft" else " open"
    yield f"<details{opened}><summary>{_name(entry)} <span>{_text(', '.join(_beside(entry)))}</span></summary>"
    for told in _said(entry):
        yield f'<p class="quiet text" dir="auto">{_text(told)}</p>'
    before = versions.get(version_of(entry) - 1) if revised else None
    if before is not None:
        yield from _changes(before.text, entry.text)
        yield f"<details><summary>The whole of version {version_of(entry)}</summary>{_block(entry.text)}</details>"
    else:
        yield _block(entry.text)
    yield "</details>\n"


def _name(entry: Entry) -> str:
    number = "" if entry.kind == "draft" else f" {entry.index + 1}"
    again = f", written again ({entry.meta['attempt']})" if "attempt" in entry.meta else ""
    return f"{NAMES[entry.kind]}{number}{_text(again)}"


def _beside(entry: Entry) -> Iterator[str]:
    meta = entry.meta
    if meta.get("model"):
        yield str(meta["model"])
    yield moment(entry.at)[:19].replace("T", " ") + " UTC"
    if "seconds" in meta:
        first = f", first words after {meta['first_token_seconds']:.1f} s" if "first_token_seconds" in meta else ""
        yield f"{meta['seconds']:.1f} s{first}"
    usage = meta.get("usage", {})
    for name, word in (("input_tokens", "read"), ("output_tokens", "written")):
        if name in usage:
            yield f"{usage[name]:,} tokens {word}"
    if silent := account_of(entry).get("not_reported"):
        yield f"tokens of {silent} call{'s' if silent > 1 else ''} not reported" if usage else "tokens not reported"
    if (cost := cost_told(entry)) is not None:
        yield f"{cost[0]:,.6f} {cost[1]}"


def _said(entry: Entry) -> Iterator[str]:
    """Tell what was measured of a step, and what was given with it."""
    meta = entry.meta
    if "evidence" in meta:
        yield f"Evidence given:\n{meta['evidence']}"
    yield from (f"{said}\n{text}" for said, text in looked_up.in_words(entry))
    yield from looked_up.without(entry)
    if "similarity" in meta:
        yield f"Similarity to version {entry.index}: {meta['similarity']:.3f}."
    if "guard" in meta:
        yield f"Kept, but not taken ({meta['guard']}): {meta.get('guard_why', '')}."
    if "overruled" in meta:
        yield f"Sent again and taken, although it looks {meta['overruled']}: {meta['overruled_why']}."
    if "stop_reason" in meta:
        yield f"Ended: {str(meta['stop_reason']).replace('_', ' ')}. {meta.get('why', '')}".rstrip()


def _changes(before: str, after: str) -> Iterator[str]:
    pieces = word_diff(before, after)
    if all(piece.change in ("same", "left out") for piece in pieces):
        yield "<p>No word was changed.</p>"
        return
    yield '<div class="text" dir="auto">'
    marks = {"removed": "del", "added": "ins"}
    for change, body, gap in laid_out(pieces):
        mark = marks.get(change)
        yield f"<{mark}>{_text(body)}</{mark}>{_text(gap)}" if mark and body else _text(body + gap)
    yield "</div>"


def _block(text: str) -> str:
    return f'<div class="text" dir="auto">{_text(text)}</div>'


def _time(at: str) -> str:
    return f'<time datetime="{_text(at)}">{_text(at[:16].replace("T", " "))} UTC</time>'


def _text(text: str) -> str:
    return escape(_NO_HTML.sub("\N{REPLACEMENT CHARACTER}", text))
