"""What went wrong in a model call, as one of our own errors; nothing of a library's text gets into the message.

It words and sorts; what is raised when, and how long a call may take, is decided where the call is made. Libraries are
recognised by what their errors carry, so that none is imported and every provider's integration is understood alike.
"""

from companions.called_tools import REFUSING, refused
from companions.errors import ModelError, ModelReplyError, ModelTimeoutError, Outage
from companions.patience import Patience
from companions.providers import UNKNOWN, Provider

# Class names of httpx, the OpenAI and Anthropic SDKs and LangChain; their statuses are read from the error itself.
TIMEOUTS = frozenset({"TimeoutError", "TimeoutException", "APITimeoutError", "ModelTimeoutError"})
UNREACHED = frozenset({"ConnectionError", "TransportError", "APIConnectionError", "ModelConnectionError"})

AGAIN = "Call the same tool again; if it goes on, choose another model."
WITHOUT_THEM = "Choose a model that takes such attachments with sampling.model, or ask again without them."
REDIRECTED = 300
BUSY = 429
NOT_FOUND = 404
REFUSED_KEY = frozenset({401, 403})
TOO_LARGE = 413
PASSING = frozenset({402, 408, 409})
"""No money left, no time, a conflict: nothing that the request itself brought about."""
SERVER_FAULT = 500
UNREAD = frozenset({400, 415, 422})
"""What providers answer where a model does not take what a request carries, among other reasons."""


def fault(
    error: Exception,
    *,
    model: str,
    started: bool,
    sent: bool = True,
    of: Provider = UNKNOWN,
    carried: str = "",
    tools: bool = False,
) -> ModelError:
    """Turn an exception of a model call into our own error, to be raised from it.

    Args:
        error: What the library raised.
        model: What was asked for.
        started: Whether a piece of the reply had arrived.
        sent: Whether a request is known to have gone out.
        of: Whose model it is.
        carried: Which kinds of attachments were sent, as a clause; "" for none.
        tools: Whether tools were offered.
    """
    status = _status(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if tools and status in REFUSING:
        return refused(model, status)
    if status is not None:
        return _unread(status, model, carried) if carried and status in UNREAD else _refusal(status, model, of)
    if kinds & TIMEOUTS:
        return ModelTimeoutError(f"The model {model!r} did not answer in time.", AGAIN)
    if kinds & UNREACHED and not started:
        return ModelError(
            f"The provider of the model {model!r} could not be reached.",
            f"Check the network and the base URL{_named(of.url)}, then call the same tool again.",
            outage="away",
        )
    if carried and not (started or sent):
        return ModelError(f"The model {model!r} cannot be sent {carried}.", WITHOUT_THEM)
    what = f"The model {model!r} broke its reply off, or sent one that cannot be read."
    return ModelReplyError(what, AGAIN, outage="away")


def late(patience: Patience, *, model: str) -> ModelTimeoutError:
    """Say which bound a call went past."""
    if patience.silent:
        what = f"The model {model!r} sent nothing for {patience.bounds.silence_seconds:g} seconds."
    else:
        what = f"The model {model!r} had not finished after {patience.bounds.total_seconds:g} seconds."
    if patience.refusal is not None:
        what += f" Its provider last refused with HTTP {patience.refusal}."
    return ModelTimeoutError(what, AGAIN)


def _status(error: BaseException) -> int | None:
    """Read the HTTP status that an error carries, itself or in its response, or the error that it was raised from.

    A stream that breaks off carries the status that it began with, or none.
    """
    for carrier in (error, getattr(error, "response", None)):
        status = getattr(carrier, "status_code", None)
        if isinstance(status, int) and status >= REDIRECTED:
            return status
    return None if error.__cause__ is None else _status(error.__cause__)


def _named(setting: str) -> str:
    return f" ({setting})" if setting else ""


def _unread(status: int, model: str, carried: str) -> ModelError:
    return ModelError(
        f"The provider refused the request to the model {model!r} (HTTP {status}), which carried {carried}.",
        WITHOUT_THEM,
    )


def _refusal(status: int, model: str, of: Provider) -> ModelError:
    answered = f"(HTTP {status})"
    if status in REFUSED_KEY:
        return ModelError(
            f"The provider refused the key for the model {model!r} {answered}.",
            f"Check the key{_named(of.key)}.",
            outage="away",
        )
    if status == NOT_FOUND:
        return ModelError(
            f"The provider does not know the model {model!r} {answered}.",
            f"Check the model's name, and the base URL{_named(of.url)} if one is set.",
            outage="missing",
        )
    if status == BUSY:
        return ModelError(
            f"The provider of the model {model!r} refuses more requests for now {answered}.",
            "Check the account's quota, or wait a moment and call the same tool again.",
            outage="away",
        )
    if status >= SERVER_FAULT:
        return ModelError(f"The provider of the model {model!r} failed {answered}.", AGAIN, outage="away")
    remedy = "Shorten the text." if status == TOO_LARGE else "Check the model's name and sampling, or shorten the text."
    outage: Outage | None = "away" if status in PASSING else None
    return ModelError(f"The provider refused the request to the model {model!r} {answered}.", remedy, outage=outage)
