"""What nobody well-meaning sends: lines and bodies that are no messages, and calls with values that nobody expects.

Each is made from a number, so that one that did harm can be made again. What must not come of them is the tests' work.
"""

import json
import random
from dataclasses import dataclass
from typing import Any

LEAKS = (
    "Traceback",
    "pydantic",
    "validation error",
    "input_value",
    "JSONDecodeError",
    "UnicodeDecodeError",
    "RecursionError",
    "object has no attribute",
    "Errno",
    "starlette",
    "uvicorn",
    "langchain",
    "asyncio",
    "site-packages",
    "sqlite3",
    "sqlalchemy",
    "asyncpg",
    "redis.exceptions",
    '.py"',
    ".py'",
)
"""Words of libraries and paths that no caller is to read."""
LONG = 300_000
TEXTS: tuple[str, ...] = (
    "",
    " \t\n",
    "\x00\x01\x1b[2J\x7f",
    "../../../etc/passwd",
    "..%2f..%2f",
    "'; DROP TABLE sessions; --",
    "%s %n {0} {} {{ }} {query.__class__} ${HOME} $(id) `id`",
    "*\r\n$4\r\nKEYS\r\n",
    "{companions}:x}",
    "\u202egnp.exe\u2066\ufeff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "\ud800",
    "NaN",
    "__proto__",
    "a" * LONG,
    "\u00e9" * 100_000,
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    -(10**30),
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"": ""},
    {"model": {"model": {}}},
    list(range(1000)),
    {str(number): number for number in range(1000)},
)
ARGUMENTS = (
    *("query", "session_id", "companion_type", "companion_types", "synthesizer", "text", "text_for", "evidence"),
    *("satisfied", "score", "sampling", "redo", "max_iterations", "budget_tokens", "stop", "part", "slot", "offset"),
    *("search", "limit", "at", "edit", "unknown"),
)
TOOLS = (
    *("draft", "critique", "revise", "refine", "consult", "show_thinking", "list_sessions", "fork_session"),
    *("edit_history", "forget_session", "nothing"),
)
METHODS = (
    *("tools/list", "resources/list", "resources/templates/list", "prompts/list", "ping", "logging/setLevel"),
    *("x/y", "tasks/get"),
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One input.

    Attributes:
        line: What is sent, without its end.
        request: Whether it is a request, as far as its form goes.
    """

    kind: str
    line: bytes
    request: bool = False

    @property
    def answered(self) -> bool:
        """Whether it must be answered: half of a character pair makes no JSON text, so that its sender is not known."""
        return self.request and rb"\ud800" not in self.line


@dataclass(frozen=True, slots=True)
class Attacker:
    """Makes inputs.

    Attributes:
        session_id: Of a session that is there.
        meta: What each request of the protocol carries in ``params``.
    """

    session_id: str
    meta: dict[str, Any]

    def attack(self, number: int) -> Attack:
        """Make the input of a number; a request among them has that number as its id."""
        dice = random.Random(number)  # noqa: S311 (no secret)
        ways = (
            self._noise,
            self._cut,
            self._not_utf8,
            self._deep,
            self._malformed,
            self._repeated,
            self._twice,
            *[self._call] * 6,
            self._resource,
            self._completion,
            self._prompt,
        )
        return dice.choice(ways)(dice, number)

    def _noise(self, dice: random.Random, _: int) -> Attack:
        return Attack("noise", dice.randbytes(dice.randrange(1, 2_000)).replace(b"\n", b" ").replace(b"\r", b" "))

    def _cut(self, dice: random.Random, number: int) -> Attack:
        line = self._call(dice, number).line[:10_000]
        return Attack("cut", line[: dice.randrange(1, len(line))])

    def _not_utf8(self, dice: random.Random, number: int) -> Attack:
        line = self.request("tools/call", number, name="draft", arguments={"query": "Q?", "text": "HERE"})
        bad = dice.choice([b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\x80"])
        return Attack("not UTF-8", line.replace(b"HERE", bad))

    def _deep(self, dice: random.Random, number: int) -> Attack:
        depth = dice.choice([50, 500, 5_000, 50_000])
        start, end = dice.choice([(b"[", b"]"), (b'{"a":', b"}")])
        deep = start * depth + b"1" + end * depth
        line = self.request("tools/call", number, name="draft", arguments={"sampling": "HERE"})
        return Attack("deep", line.replace(b'"HERE"', deep))

    def _malformed(self, dice: random.Random, number: int) -> Attack:
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": dice.choice(METHODS), "params": self.meta}
        message[dice.choice(["jsonrpc", "method", "params", "extra"])] = dice.choice(VALUES)
        del message[dice.choice([*message])]
        return Attack("malformed", encoded(message))

    def _repeated(self, dice: random.Random, number: int) -> Attack:
        line = self.request("tools/call", number, name="list_sessions", arguments={})
        again = dice.choice([b'"id":1e999,', b'"method":"ping",', b'"params":{},', b'"jsonrpc":"1.0",'])
        return Attack("repeated keys", b"{" + again + line[1:])

    def _twice(self, dice: random.Random, number: int) -> Attack:
        """Give arguments of which one stands twice, with values that cannot both be meant."""
        line = self.request("tools/call", number, name=dice.choice(TOOLS[:8]), arguments={"HERE": 1})
        name = dice.choice(ARGUMENTS)
        both = b",".join(encoded({name: value})[1:-1] for value in dice.sample(VALUES, 2))
        return Attack(f"{name} twice", line.replace(b'"HERE":1', both), request=True)

    def _call(self, dice: random.Random, number: int) -> Attack:
        names = dice.sample(ARGUMENTS, dice.randrange(0, 5))
        arguments = {name: dice.choice(VALUES) for name in names}
        if dice.random() < 0.7:
            arguments["session_id"] = self.session_id
        tool = dice.choice(TOOLS)
        if tool == "forget_session":
            arguments["session_id"] = dice.choice(TEXTS)
        return Attack(
            f"{tool} {names}", self.request("tools/call", number, name=tool, arguments=arguments), request=True
        )

    def _resource(self, dice: random.Random, number: int) -> Attack:
        parts = [dice.choice([*TEXTS[:12], self.session_id, "generic", "answer"]) for _ in range(dice.randrange(1, 5))]
        uri = "resource://" + "/".join(["sessions", *parts]) + dice.choice(["", "?offset=-1", "?offset=x", "#", "?"])
        return Attack("resource", self.request("resources/read", number, uri=uri), request=True)

    def _completion(self, dice: random.Random, number: int) -> Attack:
        reference = {"type": "ref/prompt", "name": dice.choice(["continue_session", *TEXTS[:12]])}
        argument = {"name": dice.choice(["session_id", *TEXTS[:12]]), "value": dice.choice(TEXTS)}
        return Attack(
            "completion", self.request("completion/complete", number, ref=reference, argument=argument), request=True
        )

    def _prompt(self, dice: random.Random, number: int) -> Attack:
        arguments = {name: dice.choice(TEXTS) for name in ("session_id", "text", "companion_type")}
        name = dice.choice(["refine_this", "continue_session", "compare_versions", *TEXTS[:6]])
        return Attack("prompt", self.request("prompts/get", number, name=name, arguments=arguments), request=True)

    def request(self, method: str, number: int, **params: Any) -> bytes:
        """Write a request as a client of the protocol does."""
        return encoded({"jsonrpc": "2.0", "id": number, "method": method, "params": self.meta | params})


def encoded(message: object) -> bytes:
    """Write a value as one line of JSON, half of a character pair escaped."""
    return json.dumps(message, separators=(",", ":")).encode()
