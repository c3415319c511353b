"""What went wrong in a model call, as one of our own errors; nothing of a library's text gets into the message.

It words and sorts; what is raised when, and how long a call may take, is decided where the call is made. Libraries are
recognised by what their errors carry, so that none is imported and every provider's integration is understood alike.
"""

from companions.errors import ModelError, ModelReplyError, ModelTimeoutError
from companions.patience import Patience

# Class names of httpx, the OpenAI and Anthropic SDKs and LangChain; their statuses are read from the error itself.
TIMEOUTS = frozenset({"TimeoutError", "TimeoutException", "APITimeoutError", "ModelTimeoutError"})
UNREACHED = frozenset({"ConnectionError", "TransportError", "APIConnectionError", "ModelConnectionError"})

AGAIN = "Call the same tool again; if it goes on, choose another model."
BUSY = 429
NOT_FOUND = 404
REFUSED_KEY = frozenset({401, 403})
TOO_LARGE = 413
SERVER_FAULT = 500
UNREAD = frozenset({400, 415, 422})
"""What providers answer where a model does not take what a request carries, among other reasons."""


def fault(error: Exception, *, model: str, started: bool, carried: str = "") -> ModelError:
    """Turn an exception of a model call into our own error, to be raised from it.

    Args:
        error: What the library raised.
        model: What was asked for.
        started: Whether a piece of the reply had arrived.
        carried: Which kinds of attachments were sent, as a clause; "" for none.
    """
    status = _status(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if status is not None:
        return _unread(status, model, carried) if carried and status in UNREAD else _refusal(status, model)
    if kinds & TIMEOUTS:
        return ModelTimeoutError(f"The model {model!r} did not answer in time.", AGAIN)
    if kinds & UNREACHED and not started:
        return ModelError(
            f"The provider of the model {model!r} could not be reached.",
            "Check the network and the base URL (OPENAI_BASE_URL), then call the same tool again.",
        )
    return ModelReplyError(f"The model {model!r} broke its reply off, or sent one that cannot be read.", AGAIN)


def late(patience: Patience, *, model: str) -> ModelTimeoutError:
    """Say which bound a call went past."""
    if patience.silent:
        what = f"The model {model!r} sent nothing for {patience.bounds.silence_seconds:g} seconds."
    else:
        what = f"The model {model!r} had not finished after {patience.bounds.total_seconds:g} seconds."
    if patience.refusal is not None:
        what += f" Its provider last refused with HTTP {patience.refusal}."
    return ModelTimeoutError(what, AGAIN)


def _status(error: Exception) -> int | None:
    """Read the HTTP status that an error carries, itself or in its response."""
    for carrier in (error, getattr(error, "response", None)):
        status = getattr(carrier, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _unread(status: int, model: str, carried: str) -> ModelError:
    return ModelError(
        f"The provider refused the request to the model {model!r} (HTTP {status}), which carried {carried}.",
        "Choose a model that takes such attachments with sampling.model, or ask again without them.",
    )


def _refusal(status: int, model: str) -> ModelError:
    answered = f"(HTTP {status})"
    if status in REFUSED_KEY:
        return ModelError(
            f"The provider refused the key for the model {model!r} {answered}.", "Check the key (OPENAI_API_KEY)."
        )
    if status == NOT_FOUND:
        return ModelError(
            f"The provider does not know the model {model!r} {answered}.",
            "Check the model's name, and the base URL (OPENAI_BASE_URL) if one is set.",
        )
    if status == BUSY:
        return ModelError(
            f"The provider of the model {model!r} refuses more requests for now {answered}.",
            "Check the account's quota, or wait a moment and call the same tool again.",
        )
    if status >= SERVER_FAULT:
        return ModelError(f"The provider of the model {model!r} failed {answered}.", AGAIN)
    remedy = "Shorten the text." if status == TOO_LARGE else "Check the model's name and sampling, or shorten the text."
    return ModelError(f"The provider refused the request to the model {model!r} {answered}.", remedy)
