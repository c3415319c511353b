"""The command ``patterns``: what was learned as a table, as JSON, and forgotten."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from companions.patterns.sample import Sample
from sessions.stores.sqlite.store import SQLiteStore
from terminal.patterns import sparkline
from tests.sessions.shared import share
from tests.sessions.taught import teach, told
from tests.terminal.commands import Terminal, on_a_terminal

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LOOPS = [*(told(2, improves=True, accepted=(1,), picked=2, current=2) for _ in range(20)), told(1), told(3)]
LONG = "openai:a-model-whose-name-is-rather-long-2026-11-20"


def learned(store: Path, samples: list[Sample], **of: Any) -> None:
    """Have another process learn."""

    async def learn() -> None:
        opened = SQLiteStore(store)
        await teach(opened, samples, **of)
        await opened.close()

    asyncio.run(learn())


def test_before_anything_was_learned_it_says_so(terminal: Terminal) -> None:
    said = terminal("patterns")
    assert (said.status, said.out) == (0, b"")
    assert "Nothing was learned yet." in said.err
    assert terminal.json("patterns", "--json") == {"patterns": []}


@pytest.mark.parametrize("words", [(), ("generic",), ("--reset", "generic")])
def test_a_look_at_a_store_that_is_missing_makes_no_file(
    terminal: Terminal, store: Path, words: tuple[str, ...]
) -> None:
    assert terminal("patterns", *words).status == 0
    assert not list(store.parent.iterdir())


def test_a_pipe_gets_a_plain_row_for_each_model_under_a_heading(terminal: Terminal, store: Path) -> None:
    learned(store, LOOPS, model=LONG)
    learned(store, [told(1)] * 2, model="host")
    learned(store, [told(0, censored=True)], companion_type="strategy")
    said = terminal("patterns")
    assert (said.status, said.err) == (0, "")
    assert said.out.decode() == (
        f"TYPE      {'MODEL':{len(LONG)}}  LOOPS  TYPICAL  THRESHOLD  VERDICTS  PICKS  ENDS\n"
        f"generic   {'(all)':{len(LONG)}}  24     2 (91%)  none       +20 -0!   20/0   ▁▂█\n"
        f"generic   {LONG}  22     2 (90%)  none       +20 -0!   20/0   ▁▂█\n"
        f"generic   {'host':{len(LONG)}}  2      -        -          -         -      -\n"
        f"strategy  {'openai:one':{len(LONG)}}  1      -        -          -         -      -\n"
    )
    assert terminal("patterns", "strategy").out.decode().split()[8:11] == ["strategy", "openai:one", "1"]


def test_a_terminal_of_80_columns_shows_a_table_its_legend_and_the_summary(store: Path) -> None:
    learned(store, LOOPS, model=LONG)
    status, received = on_a_terminal("patterns")
    lines = COLOURS.sub("", received).replace("\r\n", "\n").split("\n")
    assert status == 0
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["TYPE", "MODEL", "LOOPS", "TYPICAL", "THRESHOLD", "VERDICTS", "PICKS", "ENDS"]
    assert re.fullmatch(r"generic  openai:a-mod\S*…  22 +2 \(90%\)  none +\+20 -0!   20/0   ▁▂█", lines[1])
    words = " ".join(" ".join(lines).split())
    assert "THRESHOLD learned and its risk" in words
    assert "generic: Of 22 loops, 22 were revised; of these 21 ended by themselves within 2 revisions." in words


def test_as_json_it_is_the_body_of_the_resource(terminal: Terminal, store: Path) -> None:
    learned(store, LOOPS)
    (body,) = terminal.json("patterns", "--json")["patterns"]
    assert (body["companion_type"], body["samples"]) == ("generic", 22)
    assert terminal.json("patterns", "generic", "--json") == {"patterns": [body]}
    (nothing,) = terminal.json("patterns", "guide", "--json")["patterns"]
    assert nothing["summary"] == "Too few loops yet (0)."


def test_a_reset_forgets_one_type_for_all_processes_and_says_how_many_shares_that_were(
    terminal: Terminal, store: Path
) -> None:
    for model in ("host", "openai:one"):
        learned(store, LOOPS, model=model)
    learned(store, LOOPS, companion_type="strategy")
    said = terminal("patterns", "--reset", "generic")
    assert (said.status, said.err) == (0, "")
    assert said.out.decode() == "What was learned of generic is forgotten: 2 shares are gone.\n"
    assert [body["companion_type"] for body in terminal.json("patterns", "--json")["patterns"]] == ["strategy"]
    assert terminal("patterns", "--reset", "generic").out.decode() == "Nothing was learned of generic yet.\n"
    assert terminal.json("patterns", "--reset", "strategy", "--json") == {"companion_type": "strategy", "shares": 1}


@pytest.mark.parametrize("words", [("nosuch",), ("--reset", "nosuch")])
def test_an_unknown_type_is_refused_with_the_known_ones(terminal: Terminal, words: tuple[str, ...]) -> None:
    said = terminal("patterns", *words)
    assert (said.status, said.out, said.err.count("\n")) == (1, b"", 1)
    assert "There is no companion type 'nosuch'. Use one of: bug_triage, generic," in said.err


def test_a_type_is_shown_or_reset_and_not_both(terminal: Terminal) -> None:
    assert terminal("patterns", "generic", "--reset", "generic").status == 2


def test_shares_that_cannot_be_read_are_told_with_what_clears_them(terminal: Terminal, store: Path) -> None:
    async def break_one() -> None:
        opened = SQLiteStore(store)
        await opened.put_share(share())
        await opened.close()

    asyncio.run(break_one())
    told = "generic: shares that cannot be read: 1. `companions patterns --reset generic` clears them."
    assert told in terminal("patterns").err
    assert terminal("patterns", "--reset", "generic").status == 0
    assert "cannot be read" not in terminal("patterns").err


def test_a_reset_clears_what_was_damaged_in_the_store(terminal: Terminal, store: Path) -> None:
    for model in ("host", "openai:one"):
        learned(store, LOOPS, model=model)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("""UPDATE shares SET body = '[1,' WHERE name LIKE '%"host"%'""")
    (body,) = terminal.json("patterns", "--json")["patterns"]
    assert (body["samples"], body["set_aside"]) == (22, 1)
    said = terminal("patterns", "--reset", "generic")
    assert said.out.decode() == "What was learned of generic is forgotten: 2 shares are gone.\n"
    assert terminal.json("patterns", "--json") == {"patterns": []}


@pytest.mark.parametrize(
    ("counts", "bars"),
    [([], "-"), ([0, 0], "-"), ([7], "█"), ([0, 1, 7], "▁▂█"), ([0.01, 100], "▂█"), ([2, 4, 8, 4], "▃▅█▅")],
)
def test_a_sparkline_s_bars_are_as_high_as_the_counts_and_its_lowest_is_none(counts: list[float], bars: str) -> None:
    assert sparkline(counts) == bars
