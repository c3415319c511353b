"""The ways in which a provider answers, and how a call of any provider then ends; ``docs/models.md`` has this table."""

from dataclasses import dataclass

from companions.errors import ModelError, ModelReplyError, ModelTimeoutError, ReplyLengthError
from tests.provider import replies
from tests.provider.replies import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way.

    Attributes:
        name: What the provider does.
        answers: What it answers, request by request.
        ends: The error in which the call ends.
        said: What of it is said to people.
        asked: How often the provider is asked.
    """

    name: str
    answers: tuple[Reply, ...]
    ends: type[ModelError]
    said: str
    asked: int = 1


def _refused(name: str, status: int, said: str, asked: int, *, wait: str = "0.01") -> Case:
    answers = (replies.refusal(status, retry_after=wait),) * 3
    return Case(name=f"{status} {name}", answers=answers, ends=ModelError, said=said, asked=asked)


def _broken(name: str, answer: Reply, said: str, ends: type[ModelError] = ModelReplyError) -> Case:
    return Case(name=name, answers=(answer,), ends=ends, said=said)


CASES = (
    _refused("bad request", 400, "refused the request", 1),
    _refused("wrong key", 401, "Check the key", 1),
    _refused("unknown model", 404, "does not know the model", 1),
    _refused("too many requests", 429, "refuses more requests for now", 3),
    _refused("with a wait of an hour", 429, "refuses more requests for now", 1, wait="3600"),
    _refused("server error", 500, "failed (HTTP 500)", 3),
    _refused("unavailable", 503, "failed (HTTP 503)", 3),
    _refused("overloaded", 529, "failed (HTTP 529)", 3),
    _broken("no answer", replies.broken("hang_before_headers"), "sent nothing for 0.5 seconds", ModelTimeoutError),
    _broken("no first word", replies.broken("hang_after_headers"), "sent nothing for 0.5 seconds", ModelTimeoutError),
    _broken("silence after words", replies.broken("hang_mid_stream"), "sent nothing for", ModelTimeoutError),
    _broken("broken connection", replies.broken("cut"), "broke its reply off"),
    _broken("stream that ends early", replies.broken("ended_early"), "was cut off"),
    _broken("malformed event", replies.broken("broken_json"), "cannot be read"),
    _broken("error in the stream", replies.broken("error_event"), "broke its reply off"),
    _broken("empty text", replies.text(" \n "), "empty text"),
    _broken("refusal or content filter", replies.text("half", finish="content_filter"), "content filter"),
    _broken("length limit", replies.text("half", finish="length"), "length limit of 7 tokens", ReplyLengthError),
    _broken("tool call", replies.text("", tool="look_up", finish="tool_calls"), "called a tool"),
    _broken("tool call after words", replies.text("I will", tool="x", finish="tool_calls"), "called a tool"),
)
