"""A TOML configuration around its one entry: every byte stays, and what cannot be changed alone is left alone."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal import toml_editing
from terminal.text_editing import BrokenTextError, Place, UnsafeEditError

PLACE = Place(section="mcp_servers", name="companions")
ENTRY = {"command": "C:\\bin\\uv.exe", "args": ["run", "ü", "a'b\"c"], "env": {"A_B": "\x7f\n", "c.d": "[x]"}}
OLD = {"command": "old", "args": ["serve"], "env": {"B": "2"}}

PARTS = [
    "# a comment with [mcp_servers.companions]\n",
    "\n",
    '[NAME]\nmodel = "x" # why\n',
    "[NAME]\ntext = '''\n[mcp_servers.companions]\n\"\"\"'''\nafter = [\n  1, # ]\n  [2],\n]\n\n",
    '[NAME]\nquoted = "a \\" # [b]"\n"odd = key" = """x\\"""" \n',
    "[[list]]\nn = 1\n\n[[list]]\n  n = { a = [1], b = 'x' }\n",
    '[mcp_servers.NAME]\r\ncommand = "y"\r\n\r\n',
    "[mcp_servers.\"NAME.x\".env]\nK = 'v'\n# end\n",
]


def texts(prefix: str) -> st.SearchStrategy[str]:
    """Give texts of some parts, with names of their own."""
    some = st.lists(st.sampled_from(PARTS), max_size=5)
    return some.map(lambda parts: "".join(part.replace("NAME", f"{prefix}{at}") for at, part in enumerate(parts)))


@settings(deadline=None)
@given(texts("t"))
def test_an_entry_is_added_at_the_end_and_taken_out_again_and_every_byte_is_as_before(text: str) -> None:
    data = tomllib.loads(text)

    written = toml_editing.write(text, PLACE, ENTRY)

    assert written.startswith(text)
    expected = {**data, "mcp_servers": {**data.get("mcp_servers", {}), "companions": ENTRY}}
    assert tomllib.loads(written) == expected
    assert toml_editing.read(written, PLACE) == ENTRY
    assert toml_editing.remove(written, PLACE) == text


@settings(deadline=None)
@given(texts("t"), texts("u"))
def test_an_entry_is_changed_and_taken_out_between_others_that_stay_byte_for_byte(before: str, after: str) -> None:
    old = "[mcp_servers.companions]\ncommand = 'old'\nargs = [\n 'serve', # so\n]\nenv = { B = '2' }\n"
    rest = f"\n# of the end\n[end]\n{after}"
    left = tomllib.loads(f"{before}{old}{rest}")
    del left["mcp_servers"]["companions"]

    written = toml_editing.write(f"{before}{old}{rest}", PLACE, ENTRY)
    taken_out = toml_editing.remove(written, PLACE)

    assert written.startswith(before)
    assert written.endswith(rest)
    assert toml_editing.read(written, PLACE) == ENTRY
    # The blank line before the entry goes with it.
    assert taken_out in {f"{kept}{rest}" for kept in (before, before.removesuffix("\n"), before.removesuffix("\r\n"))}
    assert {"mcp_servers": {}, **tomllib.loads(taken_out)} == left


def test_tables_that_the_host_wrote_below_the_entry_stay_until_it_goes() -> None:
    approvals = '\n[mcp_servers.companions.tools.draft]\napproval_mode = "approve"\n'
    settings = '[mcp_servers.companions.env]\nB = "2"'
    text = f'[mcp_servers.companions]\ncommand = "old"\n{approvals}\n[other]\nx = 1\n\n{settings}'
    old = toml_editing.read(text, PLACE)
    assert old is not None

    written = toml_editing.write(text, PLACE, {**old, **ENTRY, "env": {"B": "2", "C": "3"}})

    assert approvals in written
    assert 'B = "2"\nC = "3"\n' in written
    assert tomllib.loads(toml_editing.remove(written, PLACE)) == {"other": {"x": 1}}


def test_another_entry_of_that_name_is_replaced_whole() -> None:
    text = (
        '[mcp_servers.companions]\nurl = "https://a.example"\n\n[mcp_servers.companions.http_headers]\nX = "1"\n\n[z]\n'
    )

    written = toml_editing.write(text, PLACE, ENTRY)

    assert tomllib.loads(written) == {"mcp_servers": {"companions": ENTRY}, "z": {}}


def test_line_ends_are_those_of_the_file() -> None:
    written = toml_editing.write('model = "x"\r\n', PLACE, ENTRY)

    assert written.count("\n") == written.count("\r\n") == 9


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers = {}\n",
        "[mcp_servers]\ncompanions = { command = 'old' }\n",
        "mcp_servers.companions.command = 'old'\n",
        "[mcp_servers.companions]\ncommand = 'old'\nenv.A = '1'\nenv.B = '2'\n",
    ],
)
def test_an_entry_written_in_another_way_is_left_alone(text: str) -> None:
    with pytest.raises(UnsafeEditError):
        toml_editing.write(text, PLACE, {**(toml_editing.read(text, PLACE) or {}), **ENTRY})


@pytest.mark.parametrize("text", ["mcp_servers = 1\n", "mcp_servers.companions = 1\n"])
def test_what_cannot_hold_an_entry_is_refused(text: str) -> None:
    with pytest.raises(UnsafeEditError):
        toml_editing.read(text, PLACE)


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\n[b", 2), ("x = '''\n\n", 3)])
def test_a_broken_text_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BrokenTextError) as refused:
        toml_editing.read(text, PLACE)
    assert refused.value.line == line
