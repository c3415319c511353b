"""Keys that are known, and what looks like one, are hidden from texts that people read."""

from time import perf_counter

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
        ("redis://u:p@ss@h, or redis://:p@ss@h:1", "redis://[masked]@h, or redis://[masked]@h:1"),
        ("https://host/v1?alt=sse&key=0a1b2c3d4e", "https://host/v1?alt=sse&key=[masked]"),
        ("https://host/v1?key=0a1b2c3d4e&alt=sse", "https://host/v1?key=[masked]&alt=sse"),
        ('auth_token=0a1b2c3d4e, {"token": "0a1b2c3d4e"}', 'auth_token=[masked], {"token": "[masked]"}'),
        ("hf_abcdefghijklmnopqrstuvwxyz was refused", "[masked] was refused"),
        ("eyJhbGciOiJub25l.eyJzdWIiOiJhbm4i.c2lnbmVk is one", "[masked] is one"),
        ("The bearer instruments: a task-list, a basic idea", "The bearer instruments: a task-list, a basic idea"),
        ("A token: something small; the key = everything", "A token: something small; the key = everything"),
    ],
)
def test_a_text_is_told_without_its_keys(text: str, left: str) -> None:
    assert Mask([KNOWN])(text) == left


def test_of_several_secrets_that_are_set_together_each_is_hidden() -> None:
    tokens = '{"0a1b2c3d4e5f6": {"client_id": "me"}, "99aabbccddeeff": {}}'

    assert Mask([tokens])("0a1b2c3d4e5f6 and 99aabbccddeeff of me") == "[masked] and [masked] of me"


def test_what_is_too_short_to_be_a_secret_stays() -> None:
    assert Mask(["", "abc"])("abc") == "abc"


@pytest.mark.parametrize("piece", ["eyJ", "-eyJ", "eyJaaaaaaaa.", "://", "://a:", "secret ", "bearer ", "a"])
def test_it_takes_no_more_than_linear_time(piece: str) -> None:
    began = perf_counter()
    Mask([KNOWN])(piece * (400_000 // len(piece)))
    assert perf_counter() - began < 5  # a quadratic pattern takes minutes
