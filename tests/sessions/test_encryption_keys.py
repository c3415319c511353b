"""Keys as the setting has them: what is taken, and what is refused without a word of the key."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from companions.errors import InputError
from sessions.sealing.keys import Keyring, new_key

SECRET = b"hunter2-hunter2-hunter2-hunter2!"
CODED = b64encode(SECRET).decode()
REFUSED = {
    "neither": (CODED, "neither JSON nor the path of a file"),
    "a null character": ("\0", "neither JSON nor the path of a file"),
    "broken JSON": (f'{{"k": "{CODED}"', "cannot be read as keys"),
    "deep JSON": ('{"k":' * 100_000, "cannot be read as keys"),
    "no text": ('{"k": 5}', "cannot be read as keys"),
    "nested": (f'{{"k": {{"k": "{CODED}"}}}}', "cannot be read as keys"),
    "none": ("{}", "names no key"),
    "no base64": ('{"k": "hunter2!"}', "is not base64"),
    "no ASCII": ('{"k": "hunter2ü"}', "is not base64"),
    "short": (f'{{"k": "{b64encode(SECRET[:-1]).decode()}"}}', "'k' of .* has 31 bytes"),
    "long": (f'{{"k": "{b64encode(SECRET + b"!").decode()}"}}', "'k' of .* has 33 bytes"),
    "an id twice": (f'{{"k": "{CODED}", "k": "{CODED}"}}', "names a key id twice"),
    "an empty id": (f'{{"": "{CODED}"}}', "a key id that is empty"),
    "a key for an id": (f'{{"{CODED}": "k"}}', "a key id that is empty|is not base64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_holds_no_keys_is_refused_and_not_shown(case: str) -> None:
    given, told = REFUSED[case]
    with pytest.raises(InputError, match=f"COMPANIONS_ENCRYPTION_KEYS.*{told}|{told}") as refused:
        Keyring.read(given)
    assert not [secret for secret in ("hunter2", CODED) if secret in str(refused.value)]


def test_keys_are_read_from_json_or_a_file_of_it_in_their_order(tmp_path: Path) -> None:
    other = json.loads(new_key())
    given = json.dumps(other | {"k": CODED})
    keyring = Keyring.read(given)
    assert [*keyring.keys] == [*other, "k"]
    assert keyring.keys["k"] == SECRET
    assert [keyring.newest] == [*other]
    (tmp_path / "keys.json").write_text(given)
    assert Keyring.read(str(tmp_path / "keys.json")) == keyring


def test_a_proof_tells_keys_apart_and_is_none() -> None:
    one, two = (Keyring.read(json.dumps({"k": coded})) for coded in (CODED, b64encode(bytes(32)).decode()))
    assert one.proves("k", one.proof("k"))
    assert not one.proves("k", two.proof("k"))
    assert SECRET.hex() not in one.proof("k")
    assert "hunter2" not in repr(one)


def test_new_keys_are_taken_and_no_two_are_alike() -> None:
    made = [Keyring.read(new_key()) for _ in range(3)]
    assert len({(keyring.newest, keyring.keys[keyring.newest]) for keyring in made}) == 3
