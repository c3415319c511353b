"""Checks and critics in a companion's file: what they become, and what is told of wrong ones, with the line."""

from pathlib import Path
from typing import Any

import pytest

from companions.companion_types import Library
from companions.configuration import Configuration, Defaults
from companions.critics import Critic
from companions.models import Sampling

SECTIONS = "\n## Draft\n\nWrite.\n\n## Critique\n\nJudge.\n\n## Revision\n\nMend.\n"
ALL = """
checks:
  max_words: 120
  must_contain: [Summary, "{x}"]
  matches: ^#
  valid_json: true
  json_schema:
    type: object
    properties:
      name: {type: string, pattern: ^a}
      patternProperties: {enum: [1, 2.5, null]}
critics:
  - accuracy
  - {name: plain-words, focus: "Jargon, {x}.", model: "openai:x"}
  - name: Ünïcode 2
"""


def loaded(folder: Path, settings: str) -> Library:
    (folder / "own.md").write_text(f"---\nname: own\ndescription: Mine.\n{settings.strip()}\n---\n{SECTIONS}")
    return Library.load(folder)


def test_a_file_says_what_is_checked_and_who_criticises(tmp_path: Path) -> None:
    own = loaded(tmp_path, ALL).get("own")
    assert list(own.checks) == ["max_words", "must_contain", "matches", "valid_json", "json_schema"]
    assert own.checks["must_contain"] == ["Summary", "{x}"]
    assert own.critics == (
        Critic(name="accuracy"),
        Critic(name="plain-words", focus="Jargon, {x}.", model="openai:x"),
        Critic(name="Ünïcode 2"),
    )


def test_they_are_kept_with_the_session_as_json_and_come_back_the_same(tmp_path: Path) -> None:
    own = loaded(tmp_path, ALL).get("own")
    chosen = Configuration.choose(own, Defaults(execution_mode="server"), Sampling())
    meta = chosen.to_meta()
    assert meta["critics"][1] == {"name": "plain-words", "focus": "Jargon, {x}.", "model": "openai:x"}
    assert Configuration.from_meta(meta) == chosen
    bare = Configuration.choose(Library.load(None).get("generic"), Defaults(execution_mode="server"), Sampling())
    assert {"checks", "critics"} & set(bare.to_meta()) == set()
    assert Configuration.from_meta(bare.to_meta()) == bare


@pytest.mark.parametrize(
    ("settings", "line", "what"),
    [
        ("checks:", 4, "checks: it must be checks by name: max_words,"),
        ("checks: {}", 4, "checks: it must be checks by name: max_words,"),
        ("checks: [max_words]", 4, "checks: it must be checks by name: max_words,"),
        ("checks:\n  max_word: 3", 5, "checks.max_word: there is no such check; there are max_words,"),
        ("checks:\n  1: 3", 5, "checks.1: there is no such check; there are max_words,"),
        ("checks:\n  max_words: 0", 5, "checks.max_words: it must be a whole number of at least 1"),
        ("checks:\n  max_words: true", 5, "checks.max_words: it must be a whole number of at least 1"),
        ("checks:\n  max_words: 3\n  max_words: 4", 6, "max_words: it is set twice"),
        ("checks:\n  must_contain: a", 5, "checks.must_contain: it must be a list of texts"),
        ("checks:\n  must_contain:\n    - a\n    - 3", 7, "checks.must_contain.1: it must be a text"),
        ('checks:\n  must_contain:\n    - "\\ud800"', 6, "there is half of a character in its settings"),
        ("checks:\n  matches: (", 5, "checks.matches: it must be a regular expression as RE2 has them"),
        ("checks:\n  matches: 3", 5, "checks.matches: it must be a regular expression"),
        ("checks:\n  valid_json: false", 5, "checks.valid_json: it must be true"),
        ("checks:\n  json_schema: []", 5, "checks.json_schema: it must be a JSON schema"),
        ("checks:\n  json_schema: {const: 2024-01-01}", 5, "checks.json_schema: it must be a JSON schema"),
        ("checks:\n  json_schema: {const: .nan}", 5, "checks.json_schema: it must be a JSON schema"),
        ("checks:\n  json_schema: &it {not: *it}", 5, "checks.json_schema: it must be a JSON schema"),
        ("checks:\n  json_schema: {$schema: draft-9}", 5, "checks.json_schema.$schema: it must be a draft of"),
        (
            "checks:\n  json_schema:\n    properties:\n      a:\n        type: text",
            8,
            "checks.json_schema.properties.a.type: a JSON schema does not allow this",
        ),
        (
            "checks:\n  json_schema:\n    items:\n      pattern: (?=a)",
            7,
            "checks.json_schema.items.pattern: it must be a regular expression as RE2 has them",
        ),
        (
            "checks:\n  json_schema:\n    type: object\n    patternProperties: {a: true}",
            7,
            "checks.json_schema.patternProperties: it cannot be checked; use propertyNames",
        ),
        (
            "checks:\n  json_schema:\n    anyOf:\n      - true\n      - $ref: https://example.com/schema",
            8,
            "checks.json_schema.anyOf.1.$ref: it must be a reference that leads somewhere in this schema",
        ),
        ("checks:\n  json_schema: {$ref: '#/$defs/a'}", 5, "checks.json_schema.$ref: it must be a reference"),
        ("critics:", 4, "critics: it must be a list of 1 to 8 critics"),
        ("critics: accuracy", 4, "critics: it must be a list of 1 to 8 critics"),
        ("critics: [a, b, c, d, e, f, g, h, i]", 4, "critics: it must be a list of 1 to 8 critics"),
        ("critics:\n  - a\n  - 3", 6, "critics.1.name: it must be a name of at most 40 letters"),
        ("critics:\n  - 'a\n\n    b'", 5, "critics.0.name: it must be a name of at most 40 letters"),
        ("critics:\n  - focus: x", 5, "critics.0.name: it must be a name of at most 40 letters"),
        ("critics:\n  - name: a\n    focus: 3", 6, "critics.0.focus: it must be a text"),
        ("critics:\n  - name: a\n    weight: 3", 6, "critics.0.weight: a critic has a name, a focus and a model"),
        ("critics:\n  - Depth\n  - name: depth", 6, "critics.1: another critic has this name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_other_types_keep_working(
    tmp_path: Path, settings: str, line: int, what: str
) -> None:
    library = loaded(tmp_path, settings)
    told = [(problem.file, problem.line, problem.what) for problem in library.problems]
    assert [(file, at, text[: len(what)]) for file, at, text in told] == [("own.md", line, what)]
    assert library.get("generic").name == "generic"


def test_a_schema_that_repeats_a_part_a_million_times_is_refused_at_once(tmp_path: Path) -> None:
    doubled = "".join(f"\n    p{n}: &p{n} [*p{n - 1}, *p{n - 1}]" for n in range(1, 30))
    library = loaded(tmp_path, f"checks:\n  json_schema:\n    p0: &p0 [1, 2]{doubled}")
    assert [problem.line for problem in library.problems] == [5]


@pytest.mark.parametrize("given", [{"name": ""}, {"name": "a\nb"}, {"name": "a", "focus": " "}])
def test_a_critic_that_could_not_be_asked_is_not_made(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a critic's"):
        Critic(**given)
