"""What is known, before a call and from memory alone, of how its loop will go.

It reads no store and waits for nothing: of a session that is not open here, or is another owner's, it knows nothing.
What the numbers are is ``companions.outlook``'s work, and what of them a caller is told is the tools'.
"""

from collections.abc import Mapping
from typing import Any, cast

from companions.companion import Companion, Slot
from companions.configuration import Configuration
from companions.edits import texts_of
from companions.errors import CompanionsError
from companions.irregularities import irregularities
from companions.models import ExecutionMode, Sampling, Step
from companions.next_step import next_step
from companions.outlook import Body, Standing, outlook
from companions.patterns.sample import PHASES
from sessions.calls import DEFAULT_TYPE
from sessions.questions import SYNTHESIZER
from sessions.samples import reviser
from sessions.session import Session
from sessions.sessions import Sessions

STATE = "session_intelligence"
"""Under which name it stands in a request's state."""
LOOPS = frozenset({*PHASES, "refine", "consult"})
"""The tools that it is for."""
Arguments = Mapping[str, Any]
"""As a caller sent them: nothing of them has been checked."""


def before(sessions: Sessions, owner: str, tool: str, arguments: Arguments) -> Body | None:
    """Say how it will go from where a call leaves its loop, if it does what it asks for.

    Returns:
        As ``outlook`` has it, but no threshold where loops are lossless and follow none; ``None`` where nothing is
        known: what was learned has not been read yet, or the session is not one of the owner's that are open here.
    """
    session_id = _word(arguments, "session_id")
    if session_id is None:
        return _of_new(sessions, Companion(_name(tool, arguments, None)), tool, arguments)
    session = _open(sessions, owner, session_id)
    if session is None:
        return None
    name = _name(tool, arguments, session)
    companion = _remembered(session, name)
    if companion is None:
        return None
    if companion.slot is None or tool == "consult" or _opens(companion.slot, tool, arguments):
        return _of_new(sessions, companion, tool, arguments)
    return _of_slot(sessions, companion, companion.slot, tool, arguments)


def now(sessions: Sessions, owner: str, session_id: str, companion_type: str) -> Body | None:
    """Say how a loop will go from where it stands; ``None`` as for ``before``."""
    session = _open(sessions, owner, session_id)
    companion = None if session is None else _remembered(session, companion_type)
    if companion is None or companion.slot is None:
        return None
    return _of_slot(sessions, companion, companion.slot, "refine", {})


def _open(sessions: Sessions, owner: str, session_id: str) -> Session | None:
    session = sessions.open.get(session_id)
    return session if session is not None and session.place.owner == owner else None


def _remembered(session: Session, name: str) -> Companion | None:
    """Give a companion as memory has it; ``None`` for one that the store alone has."""
    awake = session.awake.get(name)
    if awake is not None:
        return awake.companion
    return None if name in session.shown else Companion(name)


def _name(tool: str, arguments: Arguments, session: Session | None) -> str:
    if tool == "consult":
        return _word(arguments, "synthesizer") or SYNTHESIZER
    return _word(arguments, "companion_type") or (session and session.last_type) or DEFAULT_TYPE


def _opens(slot: Slot, tool: str, arguments: Arguments) -> bool:
    """Tell whether a call leaves a slot for a new one."""
    if tool not in {"draft", "refine"}:
        return False
    again = tool == "draft" and bool(arguments.get("redo")) and slot.critiques > 0
    query = _word(arguments, "query")
    return again or (query is not None and query not in texts_of(slot.query))


def _brings(arguments: Arguments) -> bool:
    """Tell whether a call brings what its step is to say."""
    return arguments.get("text") is not None or bool(arguments.get("satisfied"))


def _step(companion: Companion, mode: ExecutionMode | None, tool: str, arguments: Arguments) -> Step | None:
    """Name the step that is made before a call is answered: none where the caller is first to write it."""
    if tool == "refine":
        return next_step(companion).step if _brings(arguments) else None
    return cast("Step", tool) if _brings(arguments) or mode != "client" else None


def _of_new(sessions: Sessions, companion: Companion, tool: str, arguments: Arguments) -> Body | None:
    """Say how the loop of a new slot will go."""
    sampling, known = _sampling(arguments), companion.configuration
    if sampling is None:
        return None
    try:
        own = sessions.library.get(companion.companion_type)
    except CompanionsError:
        return None
    asked = sampling if known is None else Sampling(**known.asked)
    configuration = Configuration.choose(own, sessions.defaults, asked)
    drafted = _brings(arguments) or (tool == "draft" and configuration.sampling(sampling).execution_mode != "client")
    coming, most = "critique" if drafted else "draft", _most(arguments) or configuration.max_iterations
    standing = Standing(revisions=0, coming=coming, most=most)
    return _told(sessions, companion.companion_type, reviser(configuration), standing)


def _of_slot(sessions: Sessions, companion: Companion, slot: Slot, tool: str, arguments: Arguments) -> Body | None:
    """Say how the loop of a slot will go once a call has made its step, if it makes one."""
    configuration, sampling = companion.configuration, _sampling(arguments)
    if configuration is None or sampling is None:
        return None
    step = _step(companion, configuration.sampling(sampling).execution_mode, tool, arguments)
    rewrites = step == "revise" and bool(arguments.get("redo"))
    standing = _standing(
        slot,
        step,
        most=_most(arguments) or slot.max_iterations or configuration.max_iterations,
        # A version that is written again is not what the loop goes on from.
        anomalies=() if rewrites else irregularities(slot),
    )
    return _told(sessions, companion.companion_type, reviser(configuration, slot), standing)


def _standing(slot: Slot, step: Step | None, *, most: int, anomalies: tuple[str, ...]) -> Standing:
    revisions = slot.revisions + (step == "revise" and slot.phase == "revise")
    coming: Step = slot.phase
    if step == "critique":
        coming = "revise"
    elif step == "revise" or (step == "draft" and slot.draft is None):
        coming = "critique"
    ended = coming == "critique" and revisions >= most
    return Standing(revisions=revisions, coming=None if ended else coming, most=most, anomalies=anomalies)


def _told(sessions: Sessions, companion_type: str, model: str, standing: Standing) -> Body | None:
    knowledge = sessions.learner.knowledge
    if not knowledge.loaded:
        return None
    body = outlook(knowledge.of(companion_type, model), standing)
    if sessions.defaults.stopping == "lossless":
        body.pop("recommended_threshold", None)
    return body


def _sampling(arguments: Arguments) -> Sampling | None:
    """Read how a call asks to write; ``None`` if that cannot be told at sight."""
    given: Any = arguments.get("sampling") or {}
    if not isinstance(given, Mapping):
        return None
    given = cast("Arguments", given)
    mode, model = given.get("execution_mode"), given.get("model")
    if mode not in (None, "server", "client", "offline") or not isinstance(model, str | None):
        return None
    return Sampling(model=model, execution_mode=mode)


def _most(arguments: Arguments) -> int | None:
    most = arguments.get("max_iterations")
    return most if isinstance(most, int) and most > 0 else None


def _word(arguments: Arguments, name: str) -> str | None:
    given = arguments.get(name)
    return given if isinstance(given, str) and given else None
