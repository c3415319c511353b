"""JSON checks: whether a text is one JSON value, and whether that keeps to a schema.

What the validator does with patterns (going back and forth over a text), with unique items (comparing every pair) and
with references (fetching them) is not for texts that anybody may send: the first two are replaced here, a reference has
to lead into the schema itself, and every keyword looks at the clock.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any, cast

from companions import expressions
from companions.complaints import Complaint

SECONDS = 5.0
"""The longest that one text is held against a schema."""
SCHEMA_CHARACTERS = 100_000
BREACHES = 3
"""Most breaches of a schema that are told."""
SHOWN = 120
"""Most characters that are told of a place in a text, and of what a schema asks for there."""

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]

_deadline = ContextVar("deadline", default=math.inf)


def parsed(text: str) -> Any:
    """Read a text that is one JSON value and nothing else.

    Raises:
        ValueError: It is none; the message says why, in our words.
    """
    try:
        return json.loads(text, parse_float=_number, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON from line {error.lineno}, column {error.colno} on") from None
    except (ValueError, RecursionError):
        raise ValueError("it holds numbers, or is nested to a depth, that few readers of JSON can take") from None


def breaches(text: str, schema: Mapping[str, Any]) -> str | None:
    """Say where a text breaks a schema; ``None`` if nowhere."""
    try:
        value = parsed(text)
    except ValueError as error:
        return str(error)
    token = _deadline.set(time.monotonic() + SECONDS)
    try:
        broken = [_told(error) for error in islice(_validator(schema).iter_errors(value), BREACHES)]
    except TimeoutError:
        return f"it could not be held against the schema within {SECONDS:g} seconds"
    except RecursionError:
        return "it is nested too deeply to be held against the schema"
    except ArithmeticError:
        return "it holds a number that cannot be held against the schema"
    finally:
        _deadline.reset(token)
    return "; ".join(broken) or None


def wrong_schema(schema: object) -> Iterator[Complaint]:
    """Yield what is wrong with a schema."""
    if not isinstance(schema, dict) or not _is_json(cast("object", schema)):
        yield Complaint(
            (), f"it must be a JSON schema: names with JSON values, at most {SCHEMA_CHARACTERS:,} characters"
        )
        return
    known = cast("Mapping[str, Any]", schema)
    if (kind := _kind(known)) is None:
        yield Complaint(("$schema",), "it must be a draft of JSON Schema, from 3 to 2020-12")
        return
    try:
        kind.check_schema(known, format_checker=None)
    except _library().exceptions.SchemaError as error:
        yield Complaint(tuple(error.absolute_path), "a JSON schema does not allow this")
        return
    except RecursionError:
        yield Complaint((), "it is nested too deeply")
        return
    yield from _not_taken(known)


def _not_taken(schema: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield what a schema allows and we do not: references that lead away, patterns without an end."""
    for path, value in _members(schema):
        match path[-1]:
            case "patternProperties" if path[-2:-1] != ("properties",):
                yield Complaint(path, "it cannot be checked; use propertyNames with a pattern")
            case "pattern" if isinstance(value, str) and (what := expressions.wrong(value)):
                yield Complaint(path, what)
            case "$ref" | "$dynamicRef" if isinstance(value, str) and not _leads(schema, value):
                yield Complaint(path, "it must be a reference that leads somewhere in this schema")
            case _:
                pass


def _members(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Walk all that stands in an object, however deep, each value with the path to it."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while waiting:
        path, held = waiting.pop()
        if isinstance(held, Mapping):
            members = list(cast("Mapping[str, object]", held).items())
        else:
            members = list(enumerate(cast("list[object]", held))) if isinstance(held, list) else []
        for place, member in members:
            yield (*path, place), member
            waiting.append(((*path, place), member))


def _is_json(value: object) -> bool:
    """Whether a value of a YAML file comes back from JSON as it is; it may hold itself, or one part a million times."""
    size = 0
    try:
        for piece in json.JSONEncoder(allow_nan=False, ensure_ascii=False).iterencode(value):
            size += len(piece.encode())
            if size > SCHEMA_CHARACTERS:
                return False
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError, RecursionError):
        return False


@cache
def _library() -> Any:
    """Load the validator's library, on first use: most companions have no schema, and a start is not to pay for it."""
    import jsonschema  # noqa: PLC0415 - as said above

    return jsonschema


def _kind(schema: Mapping[str, Any]) -> Any:
    """Give the validator of the draft that a schema names, by default of the newest; ``None`` if there is no such."""
    newest = _library().Draft202012Validator
    if "$schema" not in schema:
        return newest
    named = schema["$schema"]
    return _library().validators.validator_for(schema, default=None) if isinstance(named, str) else None


def _leads(schema: Mapping[str, Any], reference: str) -> bool:
    import referencing.exceptions  # noqa: PLC0415 - what jsonschema brings; as there
    import referencing.jsonschema  # noqa: PLC0415

    draft = referencing.jsonschema.specification_with(str(_kind(schema).META_SCHEMA["$schema"]))
    resolver = referencing.Registry[Any]().resolver_with_root(draft.create_resource(schema))
    try:
        resolver.lookup(reference)
    except referencing.exceptions.Unresolvable:
        return False
    return True


def _validator(schema: Mapping[str, Any]) -> Any:
    import referencing  # noqa: PLC0415 - as above

    return _bounded(_kind(schema))(schema, registry=referencing.Registry[Any]())


@cache
def _bounded(kind: Any) -> Any:
    """Give a draft's validator with our own way of looking for patterns and repeated items, within the bound."""
    ours = dict[str, Keyword](kind.VALIDATORS) | {"pattern": _pattern, "uniqueItems": _unique}
    return _library().validators.extend(kind, {name: _timed(keyword) for name, keyword in ours.items()})


def _timed(keyword: Keyword) -> Keyword:
    def look(validator: Any, asked: Any, value: Any, schema: Any) -> Iterator[Any]:
        if time.monotonic() > _deadline.get():
            raise TimeoutError
        yield from keyword(validator, asked, value, schema) or ()

    return look


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(value, "string") and not expressions.found(pattern, value):
        yield _library().ValidationError("")


def _unique(validator: Any, asked: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if asked and validator.is_type(value, "array"):
        told = {json.dumps(item, sort_keys=True) for item in value}
        if len(told) < len(value):
            yield _library().ValidationError("")


def _told(error: Any) -> str:
    """Say where a value breaks a schema, and what the schema asks for there."""
    if error.validator is None:
        return f"{_short(json.dumps(error.instance, ensure_ascii=False))} stands where the schema allows nothing"
    asked = json.dumps({error.validator: error.validator_value}, ensure_ascii=False)
    return f"{_short(error.json_path)} is not what the schema asks for: {_short(asked)}"


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[:SHOWN]} ..."


def _number(digits: str) -> int | float:
    """Read 1.0 as 1, as schemas do; and nothing as infinite."""
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(digits)
    return int(value) if value.is_integer() else value


def _no_number(name: str) -> float:
    raise ValueError(name)
