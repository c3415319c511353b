"""A JSON configuration around its one entry: every byte stays, whatever stands there."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal import json_editing
from terminal.json_reading import read_json
from terminal.text_editing import BrokenTextError, Place, UnsafeEditError

PLACE = Place(section="servers", name="companions")
STRICT = Place(section="servers", name="companions", strict=True)
ENTRY = {"command": "/bin/uv", "args": ["run", "ü"], "env": {"A": 'quoted "x"'}}
OTHER: dict[str, Any] = {"command": "/bin/other", "args": []}

GAPS = st.sampled_from(["", " ", "\n", "\r\n    ", "\t", " // said, } here\n", "/* { */", "\n/* [\n] */\n  "])
KEYS = st.sampled_from(["a", "b", "in puts", "é", 'q"', "//"]) | st.text(max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)

NONE_OR_EMPTY: st.SearchStrategy[dict[str, Any] | None] = st.sampled_from([None, {}])


@st.composite
def texts(draw: st.DrawFn, value: Any) -> str:
    """Write a value with comments, white space and trailing commas wherever they may stand."""
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}{draw(GAPS)}:{draw(GAPS)}{draw(texts(held))}" for key, held in value.items()]  # pyright: ignore[reportUnknownVariableType]
    elif isinstance(value, list):
        parts = [draw(texts(held)) for held in value]  # pyright: ignore[reportUnknownVariableType]
    else:
        return json.dumps(value)
    inner = ",".join(f"{draw(GAPS)}{part}{draw(GAPS)}" for part in parts) or draw(GAPS)
    comma = f",{draw(GAPS)}" if parts and draw(st.booleans()) else ""
    return f"{{{inner}{comma}}}" if isinstance(value, dict) else f"[{inner}{comma}]"


def configurations(servers: dict[str, Any] | None) -> st.SearchStrategy[dict[str, Any]]:
    """Give configurations that hold servers, or none, among other things."""
    others = st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
    return others.map(lambda other: other if servers is None else {**other, "servers": servers, "z": [1]})


@settings(deadline=None)
@given(st.data())
def test_an_entry_is_added_and_taken_out_again_and_every_byte_is_as_before(data: st.DataObject) -> None:
    held = data.draw(st.dictionaries(KEYS, st.just(OTHER), min_size=1, max_size=3))
    value = data.draw(configurations(held))
    text = data.draw(GAPS) + data.draw(texts(value)) + data.draw(GAPS)
    assert read_json(text).value == value

    written = json_editing.write(text, PLACE, ENTRY)

    assert read_json(written).value == {**value, "servers": {**held, "companions": ENTRY}}
    assert json_editing.read(written, PLACE) == ENTRY
    assert json_editing.remove(written, PLACE) == text


@settings(deadline=None)
@given(st.data())
def test_what_holds_the_servers_is_made_where_it_is_not_there(data: st.DataObject) -> None:
    value = data.draw(configurations(data.draw(NONE_OR_EMPTY)))
    text = data.draw(texts(value))

    written = json_editing.write(text, PLACE, ENTRY)
    taken_out = json_editing.remove(written, PLACE)

    assert read_json(written).value == {**value, "servers": {"companions": ENTRY}}
    assert read_json(taken_out).value == {**value, "servers": {}}


@settings(deadline=None)
@given(st.data())
def test_an_entry_is_replaced_between_others_that_stay_byte_for_byte(data: st.DataObject) -> None:
    before, after = data.draw(GAPS), data.draw(GAPS)
    left = f'{{{before}"servers": {{"a": {{}},{after}"companions": '
    right = f"{after}, {before}// last\n}}{after}, }}{before}"

    written = json_editing.write(left + data.draw(texts({"command": "x", "env": {}})) + right, PLACE, ENTRY)

    assert written.startswith(left)
    assert written.endswith(right)
    assert json_editing.read(written, PLACE) == ENTRY


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            '{\n  "servers": {\n    "a": 1 // mine\n  },\n}',
            '\n    "a": 1, // mine\n    "companions": {\n      "command"',
        ),
        ('{\r\n\t"servers": {\r\n\t\t"a": 1,\r\n\t}\r\n}', '"a": 1,\r\n\t\t"companions": {\r\n\t\t\t"command"'),
        ('{"servers": {"a": 1}}', '{"servers": {"a": 1, "companions": {"command": "/bin/uv", '),
        ('{"servers":{}}', '{"servers":{"companions": {"command": '),
        ("{\n    // nothing yet\n}\n", '{\n    // nothing yet\n  "servers": {\n'),
    ],
)
def test_an_entry_is_written_as_its_neighbours_are(text: str, written: str) -> None:
    assert written in json_editing.write(text, PLACE, ENTRY)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{\n  oops\n}", 2),
        ('{"a": 1}\n}', 2),
        ('{"a": [1,\n2', 2),
        ("{\n\n'a': 1}", 3),
        ('{"a": tru}', 1),
        ('{"a": "\x01"}', 1),
        ("[" * 5_000, 1),
    ],
)
def test_a_broken_text_is_refused_with_its_line(text: str, line: int) -> None:
    for place in (PLACE, STRICT):
        with pytest.raises(BrokenTextError) as refused:
            json_editing.read(text, place)
        assert refused.value.line == line


def test_comments_are_refused_where_the_host_reads_none() -> None:
    text = '{\n  "servers": {},\n  // said\n}'

    assert json_editing.read(text, PLACE) is None
    with pytest.raises(BrokenTextError) as refused:
        json_editing.read(text, STRICT)
    assert refused.value.line == 3


@pytest.mark.parametrize(
    "text", ["[]", '{"servers": []}', '{"servers": {"companions": 1}}', '{"servers": {}, "servers": {}}', "null"]
)
def test_what_cannot_hold_an_entry_is_left_alone(text: str) -> None:
    with pytest.raises(UnsafeEditError):
        json_editing.read(text, PLACE)
