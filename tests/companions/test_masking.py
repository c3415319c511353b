"""Keys that are known, and what looks like one, are hidden from texts that people read."""

import pytest

from companions.masking import Mask

KNOWN = "a local server's key"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"refused {KNOWN}!", "refused [masked]!"),
        ("https://host/?key=a%20local%20server%27s%20key&x=1", "https://host/?key=[masked]&x=1"),
        ("the token sk-proj-0a1B2c3D4e was refused", "the token [masked] was refused"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [masked]"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [masked]"),
        ("{'x-api-key': 'Zm9vYmFyYmF6'}", "{'x-api-key': '[masked]'}"),
        ('"api_key": "0123456789abcdef"', '"api_key": "[masked]"'),
        ("x-goog-api-key: AIzaSyA0123456789abcdefghij", "x-goog-api-key: [masked]"),
        ("Set-Cookie: c2Vzc2lvbjo0Mg==", "Set-Cookie: [masked]"),
        ("postgresql://me:a-word@host/db", "postgresql://[masked]@host/db"),
        ("eyJhbGciOiJub25l.eyJzdWIiOiJhbm4i.c2lnbmVk is one", "[masked] is one"),
        ("The bearer instruments: a task-list, a basic idea", "The bearer instruments: a task-list, a basic idea"),
    ],
)
def test_a_text_is_told_without_its_keys(text: str, left: str) -> None:
    assert Mask([KNOWN])(text) == left


def test_of_several_secrets_that_are_set_together_each_is_hidden() -> None:
    tokens = '{"0a1b2c3d4e5f6": {"client_id": "me"}, "99aabbccddeeff": {}}'

    assert Mask([tokens])("0a1b2c3d4e5f6 and 99aabbccddeeff of me") == "[masked] and [masked] of me"


def test_what_is_too_short_to_be_a_secret_stays() -> None:
    assert Mask(["", "abc"])("abc") == "abc"
