"""The tools' arguments: flat, tolerant of how models write them, described in as few words as help.

What an argument means is checked further down; here only its form is read.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from companions.models import Sampling


def _read_json(value: Any) -> Any:
    """Take an object that was sent as a JSON string."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def empty_is_none(value: Any) -> Any:
    """Take an empty string as not given: models fill in optional arguments that way."""
    return None if value == "" else value


def _number_is_text(value: Any) -> Any:
    """Take a number where one is written as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    """Take one of a list where it was sent alone."""
    return [value] if isinstance(value, str | dict) else value


class SamplingArgument(BaseModel):
    """How to write."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"title": ""})

    model: Annotated[str, Field(max_length=200)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    execution_mode: Literal["server", "client", "offline"] | None = None

    def sampling(self) -> Sampling:
        """Give it in the companions' own shape."""
        return Sampling(**self.model_dump())


SessionId = Annotated[str, Field(description="As draft answered it")]
OptionalSessionId = Annotated[
    str | None,
    BeforeValidator(empty_is_none),
    Field(description="A session to go on with; default: a new one"),
]
CompanionTypeName = Annotated[
    str | None,
    BeforeValidator(empty_is_none),
    Field(description="Such as generic or strategy; default: the session's last"),
]
ComparedWith = Annotated[
    str | None,
    BeforeValidator(_number_is_text),
    BeforeValidator(empty_is_none),
    Field(description="For comparison: a version number or a session_id; default: a fork's parent, else the draft"),
]
CompanionTypes = Annotated[
    list[str] | None,
    BeforeValidator(_read_json),
    BeforeValidator(empty_is_none),
    Field(
        description="Who contributes, or session_ids to merge their answers; default: generic, marketing, bug_triage"
    ),
]
Attachments = Annotated[
    list[str | dict[str, str]] | None,
    BeforeValidator(_as_list),
    BeforeValidator(_read_json),
    BeforeValidator(empty_is_none),
    Field(
        description="Images, PDFs, texts: each {name, mime_type, data (base64) or text}, or a resource:// URI from here"
    ),
]
Text = Annotated[str | None, Field(description="Your text, when you write this step")]
TextFor = Annotated[str | None, BeforeValidator(empty_is_none), Field(description="As next.arguments gives it")]
Score = Annotated[
    FiniteFloat | None,
    Field(
        description="Your mark for this revision, best a number from 0 to 1, higher is better; each loop's marks are "
        "brought to one scale"
    ),
]
SamplingOption = Annotated[SamplingArgument | None, BeforeValidator(_read_json), BeforeValidator(empty_is_none)]
Redo = Annotated[bool, Field(description="Write the newest step again")]
