"""What a step is shown of its session besides its own companion: where the others stand, and what they contributed.

Who is shown it is said by the companion's file and by the workflow on its slot; how it is worded, by ``prompts``.
"""

from companions.companion import Companion
from companions.models import Task
from companions.next_step import end_of
from companions.requests import Plan
from companions.tasks import task
from sessions.attached import attached
from sessions.branches import texts_of
from sessions.consultations import waited_for
from sessions.cutting import cut
from sessions.session import Session
from sessions.workflows import consultation, contributions, states

COMPANIONS_SEEN = 8
ANSWER_SEEN = 2_000
"""Most of each companion's answer, in bytes, that a companion which sees its session is shown."""
CONTRIBUTIONS_SEEN = 48_000
"""Most bytes of all contributions together that a synthesis is written from."""


async def task_of(session: Session, companion: Companion, found: Plan) -> Task:
    """Build what a writer is given for a step."""
    slot, given = companion.slot, found.request
    # A text that came with the call was written already.
    read = slot is not None and given.text is None and not given.satisfied
    files = await attached(session, slot.query) if slot is not None and read else ()
    if found.step != "draft":
        return task(companion, found, attached=files)
    shown = await _others(session) if found.configuration.sees_session else ""
    return task(
        companion, found, session=shown, contributions=await _contributed(session, companion, found), attached=files
    )


async def _contributed(session: Session, companion: Companion, found: Plan) -> list[tuple[str, str]]:
    """Give what others drafted for the consultation that the companion is to draw together.

    Raises:
        InputError: Somebody asks for the draft by hand while there are contributions to wait for.
    """
    slot = companion.slot
    known = consultation(slot)
    if slot is None or known is None:
        return []
    made = await contributions(session.look, known["companion_types"], slot.query)
    by_hand = found.request.slot is None and (found.mode != "client" or found.request.text is not None)
    if by_hand and slot.draft is None and len(made) < len(known["companion_types"]):
        raise waited_for(known)
    texts = [(name, entry.text) for name, entry in made.items()]
    texts += await texts_of(session, companion.companion_type, slot, known)
    share = CONTRIBUTIONS_SEEN // max(1, len(texts))
    return [(name, _piece(text, share)) for name, text in texts]


async def _others(session: Session) -> str:
    """Tell where each companion stands, its answer, and the workflow that it runs."""
    told: list[str] = []
    for name, shown in list(session.shown.items())[:COMPANIONS_SEEN]:
        companion = await session.look(name)
        current = None if companion.slot is None else companion.slot.current
        state = ", ".join(f"{key} {shown[key]}" for key in ("phase", "iteration", "stop_reason") if shown.get(key))
        lines = [f"{name}: {state}", *await _workflow(session, companion)]
        told.append("\n".join([*lines, _piece("" if current is None else current.text, ANSWER_SEEN)]))
    return "\n\n".join(told)


async def _workflow(session: Session, companion: Companion) -> list[str]:
    """Tell of the workflow on a companion's newest slot, in one line if it has one."""
    slot = companion.slot
    if slot is None or slot.workflow is None:
        return []
    if (known := consultation(slot)) is None:
        return [f"workflow refine: {end_of(slot).get('stop_reason') or 'its steps say how far'}"]
    stands = await states(session.look, known, slot.query)
    each = ", ".join(f"{name} {state['status']}" for name, state in stands.items())
    return [f"workflow consult: {known.get('state', 'running')} ({each})"]


def _piece(text: str, most: int) -> str:
    piece, following = cut(text, most)
    return piece if following is None else f"{piece} [...]"
