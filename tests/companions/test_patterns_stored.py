"""What was written down is believed only if loops can have added up to it; nothing else than our error comes of it."""

import base64
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companions.patterns.counting import PLACES
from companions.patterns.sample import Effort, Revised, Sample
from companions.patterns.sums import EPOCH, PERIOD_SECONDS, Sums, SumsError, from_json
from tests.companions.told_slots import ended_after


def packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(sums: Sums) -> str:
    return zlib.decompress(base64.b64decode(sums.to_json()["sums"])).decode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KNOWN = ended_after(2, 20).and_sample(Sample(revisions=1, censored=True), 10 * PERIOD_SECONDS)


def believed(told: Any) -> Sums | None:
    """Read it; any other error than ours goes through and fails the test."""
    try:
        return from_json(told)
    except SumsError as error:
        assert "set aside" in error.remedy  # noqa: PT017 - what is tested is that nothing else is raised
        return None


@given(JSON)
def test_no_other_value_is_believed(value: Any) -> None:
    assert believed(value) is None


@given(st.sampled_from(["format", "period", "sums"]), JSON)
def test_a_part_that_was_replaced_is_not_believed(part: str, value: Any) -> None:
    told = KNOWN.to_json()

    assert believed({name: each for name, each in told.items() if name != part}) is None
    if value != told[part] and not (part == "period" and type(value) is int):
        assert believed(told | {part: value}) is None


@given(st.data())
def test_a_packed_text_that_was_changed_anywhere_is_not_believed_unless_loops_add_up_to_it(data: st.DataObject) -> None:
    told, plain = KNOWN.to_json(), unpacked(KNOWN)
    where = data.draw(st.integers(0, len(plain) - 1))
    changed = plain[:where] + data.draw(st.sampled_from("0123456789- \n+_x\u0661")) + plain[where + 1 :]
    read = believed(told | {"sums": packed(changed)})

    assert read is None or unpacked(read) == changed


@pytest.mark.parametrize(("old", "new"), [(" ", "  "), ("1 ", "+1 "), (" 0", " 00"), (" 0", " \t0")])
def test_the_same_numbers_in_other_words_are_not_believed(old: str, new: str) -> None:
    changed = unpacked(KNOWN).replace(old, new, 1)

    assert changed != unpacked(KNOWN)
    assert believed(KNOWN.to_json() | {"sums": packed(changed)}) is None


@given(st.data())
def test_packed_bytes_that_were_changed_cut_or_extended_are_not_believed(data: st.DataObject) -> None:
    told = KNOWN.to_json()
    raw = base64.b64decode(told["sums"])
    where = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:where] + bytes([raw[where] ^ data.draw(st.integers(1, 255))]) + raw[where + 1 :]

    # A flipped bit of zlib's header may leave the packed text what it was.
    assert believed(told | {"sums": base64.b64encode(flipped).decode()}) in (None, KNOWN)
    assert believed(told | {"sums": base64.b64encode(raw[:where]).decode()}) is None
    assert believed(told | {"sums": base64.b64encode(raw + b"x").decode()}) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ended", 2),
        ("reached", 5),
        ("improved", 1),
        ("flipped", 1),
        ("better_after", 1),
        ("tokens", -1),
        ("steps", 2**129),
    ],
)
def test_numbers_that_no_loops_give_are_not_believed(name: str, number: int) -> None:
    sums = ended_after(0, EPOCH)
    values = list(sums.recent.values)
    values[PLACES[name].start] += number
    lines = unpacked(sums).split("\n")
    changed = " ".join(map(str, (1, *values)))

    assert believed(sums.to_json() | {"sums": packed("\n".join([changed, lines[1]]))}) is None


def test_sums_of_a_later_version_are_not_believed() -> None:
    with pytest.raises(SumsError, match="another format than 1"):
        from_json(KNOWN.to_json() | {"format": 2})


@pytest.mark.parametrize("period", [-1, 10**6, 10**400, 20.0, True, "20", None])
def test_a_period_that_cannot_be_is_not_believed(period: Any) -> None:
    assert believed(KNOWN.to_json() | {"period": period}) is None


def test_sums_of_a_time_to_come_are_not_believed_beside_those_of_today() -> None:
    told = ended_after(2, 20).to_json()

    for period in (19, 20, 99):
        assert from_json(told, now=(period + 0.5) * PERIOD_SECONDS).slots == 1
    with pytest.raises(SumsError, match=r"still to come: a clock was wrong\..*set aside"):
        from_json(told, now=18.9 * PERIOD_SECONDS)


def test_little_that_would_unpack_to_much_is_not_unpacked() -> None:
    bomb = base64.b64encode(zlib.compress(b"1 " * 5_000_000, 9)).decode()
    tracemalloc.start()
    try:
        assert believed(KNOWN.to_json() | {"sums": bomb}) is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "build",
    [
        lambda: Revised(similarity=1.5),
        lambda: Revised(similarity=float("nan")),
        lambda: Effort(seconds=float("inf")),
        lambda: Effort(seconds=-1.0),
        lambda: Effort(tokens=-1),
        lambda: Sample(revisions=-1, censored=False),
        lambda: Sample(revisions=1, censored=False, scores=(1.0, float("nan"))),
        lambda: Sample(revisions=1, censored=False, accepted=(2,)),
        lambda: Sample(revisions=0, censored=False, steps=(Revised(),)),
    ],
)
def test_a_slot_that_cannot_be_is_refused_where_it_is_told(build: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        build()
