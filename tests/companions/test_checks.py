"""What each check says of a text, and that no text and no expression keeps a process busy for ever."""

import json
import time
from typing import Any

import pytest

from companions import checks, expressions, json_checks

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "price": {"$ref": "#/$defs/price"},
        "tags": {"uniqueItems": True},
    },
    "$defs": {"price": {"minimum": 3}},
}


def why(text: str, **asked: Any) -> str | None:
    """Say why a text fails the one check that is given."""
    failing = checks.failing(asked, text)
    assert len(failing) <= 1
    return failing[0]["why"] if failing else None


@pytest.mark.parametrize(
    ("asked", "passes", "fails", "what"),
    [
        ({"max_words": 3}, "One two\nthree.", "One two three four.", "it has 4 words, and at most 3 are allowed"),
        ({"must_contain": ["a", "{b}"]}, "a {b}", "A {b}", 'it does not contain "a"'),
        ({"must_contain": ["x", "y"]}, "yx", "-", 'it does not contain "x", "y"'),
        ({"matches": r"^\d{4}$"}, "2024", "In 2024.", r"nothing in it matches ^\d{4}$"),
        ({"matches": r"(?im)^ünï"}, "a\nÜNÏ", "\ud800", "nothing in it matches (?im)^ünï"),
        ({"valid_json": True}, ' {"a": [1.5, null]}\n', "```json\n{}\n```", "it is not JSON from line 1, column 1 on"),
        ({"valid_json": True}, "3", '{\n"a": 1,}', "it is not JSON from line 2, column 8 on"),
        ({"json_schema": {"type": "integer"}}, "1.0", '"1"', '$ is not what the schema asks for: {"type": "integer"}'),
        ({"json_schema": {"type": "integer"}}, "12", "twelve", "it is not JSON from line 1, column 1 on"),
        (
            {"json_schema": {"multipleOf": 0.5}},
            "1.5",
            "1" + "0" * 400,
            "it holds a number that cannot be held against the schema",
        ),
        ({"json_schema": {"properties": {"a": False}}}, "{}", '{"a": 1}', "1 stands where the schema allows nothing"),
    ],
)
def test_a_text_passes_or_is_told_why_it_fails(asked: dict[str, Any], passes: str, fails: str, what: str) -> None:
    assert why(passes, **asked) is None
    assert why(fails, **asked) == what


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999", "9" * 5_000, "[" * 100_000])
def test_json_that_few_programs_can_read_is_none(text: str) -> None:
    assert why(text, valid_json=True) == (
        "it holds numbers, or is nested to a depth, that few readers of JSON can take"
    )


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({}, ["$ "]),
        ({"name": "Ann"}, ["$.name "]),
        ({"name": "ann", "price": 2}, ["$.price "]),
        ({"name": "ann", "tags": [1, True, {"a": 1, "b": 2}, "1"]}, []),
        ({"name": "ann", "tags": [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}]}, ["$.tags "]),
        ({"name": 1, "price": 1, "tags": [1, 1]}, ["$.name ", "$.price ", "$.tags "]),
    ],
)
def test_a_schema_says_where_it_is_broken(value: object, where: list[str]) -> None:
    told = why(json.dumps(value), json_schema=SCHEMA)
    assert [place for place in where if place not in (told or "")] == []
    assert (told is None) == (not where)


def test_all_failing_checks_are_told_in_the_order_of_the_file() -> None:
    failing = checks.failing({"must_contain": ["x"], "max_words": 9, "valid_json": True}, "No.")
    assert [failure["check"] for failure in failing] == ["must_contain", "valid_json"]
    assert checks.names(failing) == "must_contain and valid_json"
    assert checks.told(failing).startswith('must_contain (it does not contain "x"); valid_json (it is not JSON')


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(?:a?){500}a{500}b$"])
def test_an_expression_that_would_go_back_and_forth_for_ever_is_done_at_once(pattern: str) -> None:
    text = "a" * 200_000 + "!"
    schema = {"pattern": pattern}
    started = time.monotonic()
    assert not expressions.found(pattern, text)
    assert why(json.dumps(text), json_schema=schema) is not None
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)b", "a{1001}", "x" * 1_001, "\ud800", "[ab]{999}c" * 4])
def test_an_expression_that_cannot_be_had_so_is_refused(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert [complaint.path for complaint in checks.wrong({"matches": pattern})] == [("matches",)]
    assert capfd.readouterr() == ("", "")


def test_items_that_are_compared_with_each_other_take_no_more_time_than_to_read_them() -> None:
    items = [{"number": number} for number in range(12_000)]  # which no order would bring together
    started = time.monotonic()
    assert why(json.dumps(items), json_schema={"uniqueItems": True}) is None
    assert why(json.dumps([*items, {"number": 7.0}]), json_schema={"uniqueItems": True}) is not None
    assert time.monotonic() - started < 5


def test_a_schema_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_checks, "SECONDS", 0.05)
    schema = {"allOf": [{"items": {"$ref": "#"}}] * 4}
    text = "[" * 40 + "]" * 40
    assert why(text, json_schema=schema) == "it could not be held against the schema within 0.05 seconds"


def test_a_schema_that_leads_to_itself_ends() -> None:
    assert why("1", json_schema={"$ref": "#"}) == "it is nested too deeply to be held against the schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string", "pattern": "^a"},
        {"$schema": "http://json-schema.org/draft-04/schema#", "type": "string", "pattern": "^a"},
        {"$id": "https://example.com/it", "$ref": "#here", "$defs": {"x": {"$anchor": "here", "pattern": "^a"}}},
        {"$ref": "inner", "$defs": {"x": {"$id": "inner", "pattern": "^a"}}, "type": "string"},
    ],
)
def test_older_drafts_and_references_within_the_schema_are_understood(schema: dict[str, Any]) -> None:
    assert list(checks.wrong({"json_schema": schema})) == []
    assert why('"a"', json_schema=schema) is None
    assert why('"b"', json_schema=schema) is not None
