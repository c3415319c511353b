"""One span of OpenTelemetry: begun, ended, and told an error by its kind alone; its wording may hold what must not out.

Without an SDK that somebody has set up it costs next to nothing. What spans there are is said by whoever makes them.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode

from companions.errors import CompanionsError

Attributes = Mapping[str, Any]


@contextmanager
def span(name: str, about: Attributes, **options: Any) -> Generator[Span]:
    """Make a span that is the present one in its block.

    Args:
        name: What it is of.
        about: Its attributes; ``None`` leaves one out.
        options: As OpenTelemetry takes them: ``kind``, ``context``, ``links``.
    """
    attributes = {key: value for key, value in about.items() if value is not None}
    quiet: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    tracer = trace.get_tracer("companions")
    with tracer.start_as_current_span(name, attributes=attributes, **quiet, **options) as made:
        try:
            yield made
        except BaseException as error:
            fail(made, error)
            raise


def fail(made: Span, error: BaseException) -> None:
    """Say that what a span is of failed, and how."""
    own = error if isinstance(error, CompanionsError) else error.__cause__ or error
    made.set_attribute("error.type", type(own).__name__)
    made.set_status(StatusCode.ERROR)
