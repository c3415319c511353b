"""Hostile inputs that hypothesis makes: bytes, values of every shape as messages, parameters and arguments.

Those that somebody thought of are ``hostile``'s. What must not come of them is the tests' work.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.wire.hostile import ARGUMENTS, METHODS, TEXTS, TOOLS, VALUES, Attack, Attacker, encoded

CALLS = (*METHODS, "tools/call", "resources/read", "completion/complete", "prompts/get", "initialize")
NAMES = ("name", "arguments", "uri", "ref", "argument", "level", "cursor")
Numbered = Callable[[int], Attack]
"""Makes an input of its number."""
HARMLESS = tuple(name for name in TOOLS if name != "forget_session")
"""The session that good calls read is to stay."""

_texts = st.text(max_size=60) | st.sampled_from(TEXTS)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts | st.sampled_from(VALUES[:20]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)

# Small numbers are those of good calls.
_ids = st.none() | st.booleans() | st.integers(min_value=2**40) | _texts | st.lists(st.none())


def invent(attacker: Attacker, numbers: Sequence[int], send: Callable[[int, Attack], None]) -> None:
    """Have as many inputs sent as there are numbers, the same ones each time."""
    left = iter(numbers)

    @settings(
        max_examples=max(len(numbers), 1),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(_invented(attacker))
    def drive(numbered: Numbered) -> None:
        if (number := next(left, None)) is not None:
            send(number, numbered(number))

    drive()


def _invented(attacker: Attacker) -> st.SearchStrategy[Numbered]:
    noise = st.binary(min_size=1, max_size=2_000).map(lambda line: line.replace(b"\n", b" ").replace(b"\r", b" "))
    messages = st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0"), "method": st.sampled_from(CALLS) | _texts},
        optional={"id": _ids, "params": st.dictionaries(st.sampled_from(NAMES), _values, max_size=3) | _values},
    )
    arguments = st.dictionaries(st.sampled_from(ARGUMENTS) | st.text(max_size=12), _values, max_size=5)
    known = st.dictionaries(st.sampled_from(ARGUMENTS), _values, max_size=4).map(
        lambda given: given | {"session_id": attacker.session_id}
    )

    def call(name: str, given: dict[str, Any]) -> Numbered:
        line = partial(attacker.request, "tools/call", name=name, arguments=given)
        return lambda number: Attack(f"invented {name}", line(number), request=True)

    def read(uri: str) -> Numbered:
        return lambda number: Attack("invented URI", attacker.request("resources/read", number, uri=uri), request=True)

    def sent(kind: str) -> Callable[[bytes], Numbered]:
        return lambda line: lambda _: Attack(f"invented {kind}", line)

    return st.one_of(
        noise.map(sent("noise")),
        _values.map(encoded).map(sent("value")),
        messages.map(encoded).map(sent("message")),
        st.builds(call, st.sampled_from(HARMLESS), arguments | known),
        _texts.map(read),
    )
