"""What the loopback provider writes when no reply was queued: a small writer whose loops end.

A draft has three flaws; each revision mends the first that is left, until the text stays as it is. It looks only at
the prompt it is given, so that it needs no memory and two processes write alike. It judges nothing.
"""

import hashlib
import re

FLAWS = (
    ("It is very very quick to start.", "It starts quickly."),
    ("The the store keeps every step.", "The store keeps every step."),
    ("In order to resume, call it again.", "To resume, call it again."),
)
VERDICT = '{"verdict": "revise"}'
CRITIC = "Loopback critic:"
TOPIC = re.compile(r"Loopback note ([0-9a-f]{8})\.")


def write(prompt: list[str]) -> str:
    """Write what the prompt asks for: a revision if it shows our critique, a critique if it speaks of a verdict."""
    whole = "\n".join(prompt)
    if CRITIC in whole:
        return _text(_topic(whole), mended=_mended(whole) + 1)
    if "verdict" in whole:
        return f"{CRITIC} one sentence is longer than it has to be.\n{VERDICT}"
    return _text(hashlib.sha256(prompt[-1].encode()).hexdigest()[:8], mended=0)


def _text(topic: str, *, mended: int) -> str:
    sentences = [after if number < mended else before for number, (before, after) in enumerate(FLAWS)]
    return " ".join([f"Loopback note {topic}.", *sentences])


def _topic(prompt: str) -> str:
    found = TOPIC.findall(prompt)
    return found[-1] if found else "00000000"


def _mended(prompt: str) -> int:
    """Count the flaws that the text in the prompt no longer has."""
    return sum(after in prompt and before not in prompt for before, after in FLAWS)
