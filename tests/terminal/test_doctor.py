"""What ``companions doctor`` says of the store: how large it is, and never its password."""

import re

import pytest

from terminal import doctor
from tests.terminal.commands import Terminal


def test_doctor_says_how_large_the_store_is(terminal: Terminal) -> None:
    assert terminal("refine", "Alot of snow.").status == 0
    found = re.search(r"ok +Store .*: 1 session, (\d+) entries, (\d+) kB", terminal("doctor").out.decode())
    assert found is not None
    assert int(found[1]) >= 3
    assert int(found[2]) > 4


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host:5432/db",
        "redis://:secret@host/1",
        "redis://:se/secret@host/1",
        "postgresql://me:a@secret@host/db",
        "redis://host/1?password=secret&x=1",
        "postgresql://host/db?user=me&passfile=secret",
    ],
)
def test_doctor_shows_no_password(url: str) -> None:
    shown = doctor._without_password(url)  # pyright: ignore[reportPrivateUsage]
    assert "secret" not in shown
    assert "host" in shown
