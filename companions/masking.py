"""Masking: texts for people to read in which no key is left, neither a known one nor what looks like one.

It would rather hide too much than too little; where such a text goes is the caller's.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[masked]"
SHORTEST = 4
"""Characters of a known secret; a shorter one would be found in any word."""
SHORTEST_PART = 12
"""The same of one of several that are set together, such as tokens in JSON."""

_LIKE_KEYS = re.compile(
    r"""
    (?: \bsk-[\w-]{6,} | \bpk-[\w-]{16,} | \bAIza[\w-]{16,} | \bgsk_\w{16,} | \bhf_\w{16,}
      | \bgh[opsu]_\w{16,} | \bxox[abeprs]-[\w-]{8,}
      | (?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*            # a signed token; begun once in a run, so in linear time
      | (?<=://)[^\s/:]*:[^\s/]+(?=@)                        # name and password of an address, to its last @
    )
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"\b(?i:(bearer|basic))\s+(?=\S*[\dA-Z_=+/-])[\w.~+/=-]{6,}")
_NAMED = re.compile(
    r"""
    (\b(?:proxy-)?authorization|(?:x-)?(?:goog-)?api[-_ ]?key|access[-_]?token|secret|password|(?:set-)?cookie
      |(?<=[?&])key|token(?==|["']\s*:))
    (["']?\s*[:=]\s*["']?)
    ([\w.~+/=%-]{8,})
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PARTS = re.compile(r"[^\s\"',:;{}\[\]]+")


class Mask:
    """Hides keys in texts.

    Args:
        secrets: What must never be seen: each as a whole, in its longer parts, and as it stands in an address.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = set[str]()
        for secret in secrets:
            parts = [part for part in _PARTS.findall(secret) if len(part) >= SHORTEST_PART]
            whole = secret.strip()
            known |= {each for each in (whole, quote(whole, safe=""), *parts) if len(each) >= SHORTEST}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, text: str) -> str:
        """Give a text with ``[masked]`` in the place of each key."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        return _NAMED.sub(rf"\1\2{MASK}", _LIKE_KEYS.sub(MASK, text))
