"""What the loopback provider writes when no reply was queued: a small writer whose loops end.

A draft has three flaws; each revision mends the first that is left, until the text stays as it is. It knows the tags of
our prompts and nothing else, keeps no memory, so that two processes write alike, and judges nothing.
"""

import hashlib
import json
import re

FLAWS = (
    ("It is very very quick to start.", "It starts quickly."),
    ("The the store keeps every step.", "The store keeps every step."),
    ("In order to resume, call it again.", "To resume, call it again."),
)
CRITIQUE = 'One sentence is longer than it has to be.\n{"verdict": "revise"}'
TEXT = re.compile(r"<text((?:-\d+)?)>\n(.*)\n</text\1>", re.DOTALL)
COMPARED = re.compile(r"<text_([A-D])((?:-\d+)?)>\n(.*?)\n</text_\1\2>", re.DOTALL)


def write(prompt: list[str]) -> str:
    """Write what the last message asks for: a revision of the text it shows, a critique, a comparison, or a draft."""
    if compared := COMPARED.findall(prompt[-1]):
        return json.dumps({"better": min(compared, key=lambda found: _flaws(found[2]))[0]})
    if shown := TEXT.search(prompt[-1]):
        return _mended(shown[2])
    if "verdict" in prompt[-1]:
        return CRITIQUE
    topic = hashlib.sha256(prompt[-1].encode()).hexdigest()[:8]
    return " ".join([f"Loopback note {topic}.", *(flaw for flaw, _ in FLAWS)])


def _flaws(text: str) -> int:
    return sum(flaw in text for flaw, _ in FLAWS)


def _mended(text: str) -> str:
    """Mend the first flaw that is left; a text of somebody else's has none and stays as it is."""
    left = next(((flaw, mended) for flaw, mended in FLAWS if flaw in text), None)
    return text if left is None else text.replace(*left)
