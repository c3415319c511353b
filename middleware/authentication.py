"""Who calls: which tokens are taken over HTTP, and whose sessions a call works on.

It gives nobody a right to a session: every look-up takes the owner that is named here, and every call the scopes that
``roles`` asks for.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier, StaticTokenVerifier
from fastmcp.server.dependencies import get_access_token, get_http_request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from companions.errors import InputError

LOCAL = "local"
"""The owner on standard input and output, and over HTTP without authentication, which only this machine reaches."""
LONGEST_SUBJECT = 255
"""Characters, as OpenID Connect bounds them."""
LEEWAY_SECONDS = 60
"""By which another machine's clock may be ahead of ours."""
PREFIX = "COMPANIONS_AUTH_"
FORM = '{"TOKEN": {"client_id": "NAME", "sub": "PERSON", "scopes": ["read", "write"]}}'


class StaticToken(BaseModel):
    """What is known of a token that a setting names; for development."""

    model_config = ConfigDict(extra="forbid")

    client_id: Annotated[str, Field(min_length=1)]
    sub: Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT)]
    scopes: list[str] = []
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the settings say of authentication; all of them empty is none.

    Attributes:
        jwks_url: Where the issuer publishes its keys.
        public_key: The issuer's key in PEM, or a file of it.
        algorithm: By which tokens must be signed.
        issuer: Who must have made a token.
        audience: Whom a token must be for.
        tokens: Tokens for development as JSON, or a file of it.
    """

    jwks_url: str | None = None
    public_key: str | None = None
    algorithm: str = "RS256"
    issuer: str | None = None
    audience: str | None = None
    tokens: str | None = None

    def verifier(self) -> TokenVerifier | None:
        """Make what checks tokens; ``None`` without authentication.

        Raises:
            InputError: The settings contradict or lack each other.
        """
        named = {"JWKS_URL": self.jwks_url, "PUBLIC_KEY": self.public_key, "TOKENS": self.tokens}
        chosen = [PREFIX + name for name, value in named.items() if value]
        if len(chosen) > 1:
            raise InputError(f"{' and '.join(chosen)} are set, and tokens can be checked in one way.", "Set one.")
        if not chosen:
            if given := [PREFIX + name for name in ("ISSUER", "AUDIENCE") if getattr(self, name.lower())]:
                raise InputError(
                    f"{' and '.join(given)} alone cannot check a token.", f"Set {PREFIX}JWKS_URL or {PREFIX}PUBLIC_KEY."
                )
            return None
        return _Named(StaticTokenVerifier(_static(self.tokens)) if self.tokens else self._signed())

    def _signed(self) -> JWTVerifier:
        if lacking := [PREFIX + name for name in ("ISSUER", "AUDIENCE") if not getattr(self, name.lower())]:
            raise InputError(
                f"Without {' and '.join(lacking)}, tokens that were made for another service would be taken.",
                "Set what your identity provider names there.",
            )
        try:
            return JWTVerifier(
                jwks_uri=self.jwks_url,
                public_key=_text(self.public_key) if self.public_key else None,
                algorithm=self.algorithm,
                issuer=self.issuer,
                audience=self.audience,
            )
        except ValueError:
            raise InputError(
                f"{PREFIX}ALGORITHM {self.algorithm!r} is unknown, or not one for a public key.",
                "Set the one by which your identity provider signs, such as RS256 or ES256.",
            ) from None


class _Named(TokenVerifier):
    """Takes what another verifier takes, if it names a person and, signed, ends."""

    def __init__(self, inner: TokenVerifier) -> None:
        super().__init__()
        self._inner = inner
        self._signed = isinstance(inner, JWTVerifier)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Give what a token says, or ``None`` if it is not to be taken."""
        found = await self._inner.verify_token(token)
        if found is None or not _is_subject(found.subject):
            return None
        if self._signed and not _is_in_time(found.claims):
            return None
        return found


def _is_subject(subject: object) -> bool:
    return (
        isinstance(subject, str)
        and 0 < len(subject) <= LONGEST_SUBJECT
        and subject.isprintable()
        and bool(subject.strip())
    )


def _is_in_time(claims: Mapping[str, Any]) -> bool:
    """Ask for an end, which the inner verifier has compared, and for no beginning that is yet to come."""
    begins = claims.get("nbf", 0)
    return claims.get("exp") is not None and isinstance(begins, int | float) and begins <= time.time() + LEEWAY_SECONDS


def _static(given: str) -> dict[str, dict[str, Any]]:
    try:
        read = TypeAdapter(dict[Annotated[str, Field(min_length=1)], StaticToken]).validate_json(_text(given))
    except ValidationError:
        read = {}
    if not read:
        raise InputError(f"{PREFIX}TOKENS cannot be read as tokens.", f"Write {FORM}, or the path of a file of it.")
    return {token: known.model_dump() for token, known in read.items()}


def _text(given: str) -> str:
    """Give what a setting says, or what stands in the file that it names."""
    if given.lstrip().startswith(("{", "-----BEGIN")):
        return given
    try:
        return Path(given).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"The file {given[:200]!r}, which a setting {PREFIX}... names, cannot be read.",
            "Name one that can, or write its content into the setting.",
        ) from None


def present() -> AccessToken | None:
    """Give the validated token of the present request; ``None`` where none is asked for."""
    return get_access_token()


def owner() -> str:
    """Name whom the present request's sessions belong to: the validated person, else the local user.

    A person is an issuer's subject, whichever of their programs calls.
    """
    token = present()
    return LOCAL if token is None else json.dumps([token.claims.get("iss") or "", token.subject], ensure_ascii=False)


def authenticated_owner() -> str:
    """Name the owner of a request to a server that asks for tokens; over HTTP never the local user.

    Raises:
        InputError: The request came over HTTP without a token; the transport has let it through.
    """
    if present() is None and _over_http():
        raise InputError("The request names nobody.", "Send an access token.")
    return owner()


def _over_http() -> bool:
    try:
        get_http_request()
    except RuntimeError:
        return False
    return True
