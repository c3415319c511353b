"""What messages between processes hold, how long they are, and what is made of one that is none."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from sessions.news import MOST_BYTES, Change, mark_of, messages, read


def change(number: int = 0, **chosen: object) -> Change:
    given = {"owner": mark_of("ann"), "session_id": f"s{number}", "what": "entry", "companion_type": "generic"} | chosen
    return Change(kind="draft", slot=number, **given)  # pyright: ignore[reportArgumentType]


@given(st.lists(st.builds(change, st.integers(0, 9), companion_type=st.text(max_size=2_000)), max_size=30))
def test_messages_are_short_and_hold_every_change_that_fits(changes: list[Change]) -> None:
    written = [*messages("me", changes)]
    assert all(len(message.encode()) <= MOST_BYTES for message in written)
    found = [each for message in written for each in read(message, but_of="another")]
    assert [each for each in changes if len(json.dumps(each.companion_type)) < MOST_BYTES - 300] == [
        each for each in found if len(json.dumps(each.companion_type)) < MOST_BYTES - 300
    ]
    assert not [each for message in written for each in read(message, but_of="me")]


JUNK = st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=20).map(json.dumps)


@given(st.text() | JUNK)
@example("[" * 100_000)
@example('["you",[["a","b","entry","c","d","e"],["a","b","shouted","c","d",1],3]]')
def test_what_another_program_sends_is_no_news(message: str) -> None:
    assert read(message, but_of="me") == []


def test_a_message_names_no_owner() -> None:
    (message,) = messages("me", [change(owner=mark_of('["https://issuer", "ann"]'))])
    assert "ann" not in message
