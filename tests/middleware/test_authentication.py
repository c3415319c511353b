"""Settings of authentication: each that cannot mean anything is refused at the start, by its name."""

import asyncio
import json
from pathlib import Path

import pytest

from companions.errors import InputError
from middleware.authentication import Authentication
from tests.sessions.writing import log_of
from tests.wire.tokens import AUDIENCE, ISSUER, Issuer

TOKEN = {"client_id": "me", "sub": "ann", "scopes": ["read"]}


def _tokens(**changed: object) -> str:
    return json.dumps({"secret": {name: value for name, value in (TOKEN | changed).items() if value != "left out"}})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Authentication(tokens="secret nonsense"), "COMPANIONS_AUTH_TOKENS is neither"),
        (Authentication(tokens="'" + _tokens() + "'"), "COMPANIONS_AUTH_TOKENS is neither"),
        (Authentication(tokens="~secret/x"), "COMPANIONS_AUTH_TOKENS is neither"),
        (Authentication(tokens="secret\0"), "COMPANIONS_AUTH_TOKENS is neither"),
        (Authentication(tokens="{}"), "COMPANIONS_AUTH_TOKENS cannot be read"),
        (Authentication(tokens=_tokens(sub="left out")), "COMPANIONS_AUTH_TOKENS cannot be read"),
        (Authentication(tokens=_tokens(sub="")), "COMPANIONS_AUTH_TOKENS cannot be read"),
        (Authentication(tokens=_tokens(scope="read")), "COMPANIONS_AUTH_TOKENS cannot be read"),
        (Authentication(public_key="/nowhere/secret", issuer=ISSUER, audience=AUDIENCE), "PUBLIC_KEY is neither"),
        (
            Authentication(public_key="-----BEGIN secret", issuer=ISSUER, audience=AUDIENCE),
            "PUBLIC_KEY holds no public key",
        ),
        (
            Authentication(
                public_key="-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----",
                issuer=ISSUER,
                audience=AUDIENCE,
            ),
            "PUBLIC_KEY holds no public key",
        ),
        *[
            (Authentication(jwks_url=url, issuer=ISSUER, audience=AUDIENCE), "COMPANIONS_AUTH_JWKS_URL is no https://")
            for url in (
                "no address",
                "http://keys.test/jwks",
                "http://999.1.1.1/jwks",
                "ftp://keys.test",
                "https://",
                "https://[",
                "file:///etc/keys",
            )
        ],
        (Authentication(jwks_url="https://x.test", public_key="y"), "JWKS_URL and COMPANIONS_AUTH_PUBLIC_KEY are set"),
        (Authentication(jwks_url="https://x.test", audience=AUDIENCE), "Without COMPANIONS_AUTH_ISSUER,"),
        (Authentication(jwks_url="https://x.test", issuer=ISSUER), "Without COMPANIONS_AUTH_AUDIENCE,"),
        (Authentication(audience=AUDIENCE), "COMPANIONS_AUTH_AUDIENCE alone"),
        (
            Authentication(jwks_url="https://x.test", issuer=ISSUER, audience=AUDIENCE, algorithm="none"),
            "COMPANIONS_AUTH_ALGORITHM 'none'",
        ),
        (
            Authentication(jwks_url="https://x.test", issuer=ISSUER, audience=AUDIENCE, algorithm="HS256"),
            "COMPANIONS_AUTH_ALGORITHM 'HS256'",
        ),
    ],
)
def test_settings_that_cannot_check_a_token_are_refused(given: Authentication, says: str) -> None:
    with pytest.raises(InputError) as refused:
        given.verifier()
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://x.test/jwks", "http://127.0.0.1:9/jwks", "http://localhost/jwks"])
def test_keys_are_read_over_a_connection_that_nobody_else_is_on(url: str) -> None:
    assert Authentication(jwks_url=url, issuer=ISSUER, audience=AUDIENCE).verifier() is not None


def test_no_setting_is_no_authentication() -> None:
    assert Authentication().verifier() is None


def test_a_key_and_tokens_may_stand_in_files(tmp_path: Path) -> None:
    issuer = Issuer()
    key, tokens = tmp_path / "key.pem", tmp_path / "tokens.json"
    key.write_text(issuer.keys.public_key)
    tokens.write_text(_tokens())
    signed = Authentication(public_key=str(key), issuer=ISSUER, audience=AUDIENCE).verifier()
    static = Authentication(tokens=str(tokens)).verifier()
    assert signed is not None
    assert static is not None
    assert asyncio.run(signed.verify_token(issuer.token("ann", "read"))) is not None
    named = asyncio.run(static.verify_token("secret"))
    assert named is not None
    assert (named.subject, named.scopes) == ("ann", ["read"])
    with log_of("companions.authentication") as said:
        assert asyncio.run(static.verify_token("another")) is None
        assert asyncio.run(static.verify_token("and another")) is None
    assert len(said) == 1
    assert "COMPANIONS_AUTH_TOKENS" in said[0]
    assert "another" not in said[0]


def test_a_key_is_never_taken_for_a_shared_secret() -> None:
    issuer = Issuer()
    with pytest.raises(InputError):
        Authentication(
            public_key=issuer.keys.public_key, issuer=ISSUER, audience=AUDIENCE, algorithm="HS256"
        ).verifier()
