"""What ``doctor`` says of the model: what is set for it, and with ``--model`` what it answers to one tiny call.

It words findings. Which model a name means, and what is wrong with a call, the catalog and the model say.
"""

import asyncio
import re
from collections.abc import Collection, Iterator
from importlib.metadata import PackageNotFoundError, version

from companions.errors import CompanionsError, ReplyLengthError
from companions.model_catalog import OFFLINE, whole_name
from companions.models import Message, Sampling, Task, Written
from companions.providers import OPENAI, PROVIDERS, UNKNOWN, Provider, provider_of
from terminal.findings import Finding
from terminal.jobs import remedy
from terminal.program import Program, drained

QUESTION = "Reply with the one word: ready"
MOST_TOKENS = 256
"""Of the answer; a model that thinks before it answers needs some."""
TASK = Task(
    step="draft",
    messages=(Message("human", QUESTION),),
    query=QUESTION,
    text=QUESTION,
    sampling=Sampling(max_tokens=MOST_TOKENS),
)
OTHER_NAMES = {"GOOGLE_API_KEY": "GEMINI_API_KEY"}
_PASSWORD = re.compile(r"(://[^:/@]*):.*@")
_SECRET = re.compile(r"([?&]pass[a-z]*=)[^&#]*", re.IGNORECASE)


def without_password(value: str) -> str:
    """Hide the passwords of a URL, also one that should have been escaped; what is none stays as it is."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", value))


def configured(program: Program) -> Iterator[Finding]:
    """Tell who writes, and what is missing for it; nobody is asked."""
    defaults, given = program.calls.desk.sessions.defaults, program.settings
    named = "COMPANIONS_MODEL" in given
    why = "COMPANIONS_MODEL" if named else "no model is set"
    match defaults.execution_mode:
        case "client":
            yield Finding("ok", f"Model: your MCP host's own writes, in the terminal the offline editor ({why})")
            if not named and (likely := _with_key(given)):
                yield Finding(
                    "note", f"Model: {likely.key} is set. For its models, set COMPANIONS_MODEL to {likely.name}:NAME."
                )
        case "offline":
            yield Finding("ok", f"Model: none; the offline editor writes ({why})")
        case "server":
            yield _writes(program, defaults.model, why if named else f"{OPENAI.key} is set")
    default = defaults.model if defaults.execution_mode == "server" else None
    for model, where in _further(program, default or OFFLINE).items():
        yield _writes(program, model, where)


def asked(program: Program, name: str) -> Finding:
    """Ask a model one tiny thing, and tell what came of it.

    Args:
        program: One that nothing else is done with; it is drained in the end.
        name: The model; "" for the default one.
    """
    model = name or program.calls.desk.sessions.defaults.model
    if model is None:
        likely = _with_key(program.settings) or OPENAI
        return Finding("wrong", f"Model: none is configured, so none was asked. Name one, like {likely.name}:NAME.")
    try:
        written = asyncio.run(drained(program, program.calls.desk.models.get(model).write(TASK)))
    except ReplyLengthError:
        return Finding("ok", f"Asked {model}: it answers, and had not come to an end after {MOST_TOKENS} tokens")
    except CompanionsError as error:
        return Finding("wrong", f"Asked {model}: {error.what} {remedy(error.remedy, None)}")
    return Finding("ok", f"Asked {model}: {_told(written)}")


def _further(program: Program, default: str) -> dict[str, str]:
    """Give the models beside the default one that are asked unnamed, each once, and where it is named."""
    sessions = program.calls.desk.sessions
    defaults, found = sessions.defaults, dict[str, str]()
    named = [
        (defaults.critic_model, "COMPANIONS_CRITIC_MODEL"),
        (defaults.comparison_model, "COMPANIONS_COMPARISON_MODEL"),
    ]
    named += [(name, "COMPANIONS_FALLBACK_MODELS") for name in defaults.fallback_models]
    for known in sessions.library.types:
        own = (known.model, known.critic_model, known.comparison_model, *(known.fallback_models or ()))
        named += [(name, f"companion {known.name}") for name in (*own, *(critic.model for critic in known.critics))]
    for name, where in named:
        if name and whole_name(name) not in {OFFLINE, whole_name(default), *map(whole_name, found)}:
            found[name] = where
    return found


def _writes(program: Program, model: str | None, why: str) -> Finding:
    try:
        program.calls.desk.models.get(model)
    except CompanionsError as error:
        return Finding("wrong", f"Model: {error}")
    provider = provider_of(whole_name(model or ""))
    base, key = program.settings.get(provider.url), _has_key(provider, program.settings)
    if not key and base is None and not provider.free and provider is not UNKNOWN:
        return Finding("wrong", f"Model: {model} writes ({why}), but no key is set. Set {provider.key}.")
    if provider.extra and not _is_installed(provider):
        return Finding("wrong", f"Model: {model} writes ({why}), but its extra is missing. {provider.how_to_install}")
    where = "" if base is None else f" at {without_password(base)}"
    return Finding("ok", f"Model: {model} writes{where} ({why}); {'a' if key else 'no'} key is set")


def _told(written: Written) -> str:
    seconds, first = written.meta.get("seconds"), written.meta.get("first_token_seconds")
    time = (
        ""
        if seconds is None
        else f" in {seconds:.2f} s" + ("" if first is None else f", its first word after {first:.2f} s")
    )
    read, wrote = written.usage.get("input_tokens"), written.usage.get("output_tokens")
    tokens = "not reported" if read is None or wrote is None else f"{read} read, {wrote} written"
    return f"{written.model} answered{time}; tokens: {tokens}"


def _with_key(settings: Collection[str]) -> Provider | None:
    return next((known for known in PROVIDERS.values() if _has_key(known, settings)), None)


def _has_key(provider: Provider, settings: Collection[str]) -> bool:
    return provider.key in settings or OTHER_NAMES.get(provider.key) in settings


def _is_installed(provider: Provider) -> bool:
    try:
        version(provider.package)
    except PackageNotFoundError:
        return False
    return True
