"""Who calls: which tokens are taken over HTTP, and whose sessions a call works on.

It gives nobody a right to a session: every look-up takes the owner that is named here, and every call the scopes that
``roles`` asks for.
"""

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier, StaticTokenVerifier
from fastmcp.server.dependencies import get_access_token, get_http_request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from companions.errors import InputError
from middleware.addresses import is_loopback
from sessions.principals import LOCAL, principal_of

log = logging.getLogger("companions.authentication")

LONGEST_SUBJECT = 255
"""Characters, as OpenID Connect bounds them."""
LONGEST_TOKEN = 16_000
TOLD_SECONDS = 60.0
PUBLIC = re.compile(r"-----BEGIN ((?:RSA |EC )?PUBLIC KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*")
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
            InputError: The settings contradict or lack each other, or cannot be what they are to be.
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
        return _Named(StaticTokenVerifier(_static(self.tokens)) if self.tokens else self._signed(), source=chosen[0])

    def _signed(self) -> JWTVerifier:
        if lacking := [PREFIX + name for name in ("ISSUER", "AUDIENCE") if not getattr(self, name.lower())]:
            raise InputError(
                f"Without {' and '.join(lacking)}, tokens that were made for another service would be taken.",
                "Set what your identity provider names there.",
            )
        if self.jwks_url:
            _check_url(self.jwks_url)
        not_taken = InputError(
            f"{PREFIX}ALGORITHM {self.algorithm!r} is unknown, or not one for a public key.",
            "Set the one by which your identity provider signs, such as RS256 or ES256.",
        )
        if self.algorithm.startswith("HS"):  # by these, whoever has the public key could sign
            raise not_taken
        try:
            return JWTVerifier(
                jwks_uri=self.jwks_url,
                public_key=_public_key(self.public_key) if self.public_key else None,
                algorithm=self.algorithm,
                issuer=self.issuer,
                audience=self.audience,
            )
        except ValueError:
            raise not_taken from None


class _Named(TokenVerifier):
    """Takes what another verifier takes, if it names a person and, signed, ends."""

    def __init__(self, inner: TokenVerifier, source: str) -> None:
        super().__init__()
        self._inner = inner
        self._source = source
        self._signed = isinstance(inner, JWTVerifier)
        self._told = -TOLD_SECONDS

    async def verify_token(self, token: str) -> AccessToken | None:
        """Give what a token says, or ``None`` if it is not to be taken."""
        found = await self._taken(token) if len(token) <= LONGEST_TOKEN else None
        if found is not None and _is_subject(found.subject) and (not self._signed or _is_in_time(found.claims)):
            return found
        self._tell()
        return None

    async def _taken(self, token: str) -> AccessToken | None:
        try:
            return await self._inner.verify_token(token)
        except RecursionError:  # of brackets in brackets, which the library does not expect
            return None

    def _tell(self) -> None:
        """Say in the log now and then that tokens are refused: keys that cannot be read look no other from outside."""
        now = time.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            log.warning("an access token was refused; if all are, look at %s and whether it is reached", self._source)


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
        text = given if given.lstrip().startswith("{") else _file(given, "TOKENS")
        read = TypeAdapter(dict[Annotated[str, Field(min_length=1)], StaticToken]).validate_json(text)
    except ValidationError:
        read = {}
    if not read:
        raise InputError(f"{PREFIX}TOKENS cannot be read as tokens.", f"Write {FORM}, or the path of a file of it.")
    return {token: known.model_dump() for token, known in read.items()}


def _public_key(given: str) -> str:
    """Give a key that checks and cannot sign."""
    text = given if given.lstrip().startswith("-----BEGIN") else _file(given, "PUBLIC_KEY")
    if not PUBLIC.fullmatch(text.strip()):
        raise InputError(
            f"{PREFIX}PUBLIC_KEY holds no public key in PEM.",
            "Set the issuer's, which begins -----BEGIN PUBLIC KEY-----.",
        )
    return text


def _file(given: str, name: str) -> str:
    """Read the file that a setting names. The setting is not repeated: it may be the secret itself."""
    try:
        return Path(given).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError):
        raise InputError(
            f"{PREFIX}{name} is neither what it is to hold nor the path of a file that can be read.",
            "Write the content into it, without quotes of its own, or the path of a file of it.",
        ) from None


def _check_url(url: str) -> None:
    """Refuse an address whose keys somebody between could exchange, and what is none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", None
    if parts is None or not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise InputError(f"{PREFIX}JWKS_URL is no https:// address.", "Set the one that your identity provider names.")


def present() -> AccessToken | None:
    """Give the validated token of the present request; ``None`` where none is asked for."""
    return get_access_token()


def until() -> float | None:
    """Give when the present request's token ends, in seconds since the epoch; ``None`` where nothing does."""
    token = present()
    return None if token is None else token.expires_at


def owner_of(token: AccessToken) -> str:
    """Name the person for whom a token was made: an issuer's subject, whichever of their programs calls."""
    return principal_of(token.claims.get("iss") or "", token.subject or "")


def owner() -> str:
    """Name whom the present request's sessions belong to: the validated person, else the local user."""
    token = present()
    return LOCAL if token is None else owner_of(token)


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
