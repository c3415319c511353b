"""An issuer of access tokens for tests, what a server is told of it, and the people and tokens of the matrix."""

import base64
from dataclasses import dataclass, field

from fastmcp.server.auth.providers.jwt import RSAKeyPair

ISSUER, AUDIENCE = "https://issuer.test", "companions"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Makes tokens that a server with ``settings`` checks."""

    keys: RSAKeyPair = field(default_factory=RSAKeyPair.generate)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "COMPANIONS_AUTH_PUBLIC_KEY": self.keys.public_key,
            "COMPANIONS_AUTH_ISSUER": ISSUER,
            "COMPANIONS_AUTH_AUDIENCE": AUDIENCE,
        }

    def token(
        self,
        subject: str,
        *scopes: str,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        seconds: int = 3600,
        **claims: object,
    ) -> str:
        return self.keys.create_token(
            subject=subject,
            issuer=issuer,
            audience=audience,
            scopes=list(scopes),
            expires_in_seconds=seconds,
            additional_claims=claims,
        )

    def refused(self) -> dict[str, str | None]:
        """Give the tokens that must not be taken, by what is wrong with them."""
        good = self.token("ann", "write")
        return {
            "no token": None,
            "garbage": "garbage",
            "brackets in brackets": base64.urlsafe_b64encode(b'{"a":' + b"[" * 9_000).decode().rstrip("=")
            + ".e30.AAAA",
            "longer than any": "a" * 20_000,
            "changed by a byte": good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:],
            "another key": RSAKeyPair.generate().create_token("ann", ISSUER, AUDIENCE, ["write"]),
            "expired": self.token("ann", "write", seconds=-10),
            "not valid yet": self.token("ann", "write", nbf=4_000_000_000),
            "without an end": self.token("ann", "write", exp=None),
            "wrong issuer": self.token("ann", "write", issuer="https://other.test"),
            "wrong audience": self.token("ann", "write", audience="another service"),
            "nobody": self.token("", "write"),
            "a subject that is no text": self.token("ann", "write", sub={"name": "ann"}),
        }

    def taken(self) -> dict[str, str]:
        """Give the tokens of the people who are let in; the session of the matrix is Ann's."""
        return {
            "no scope": self.token("ann", "mail"),
            "another owner": self.token("bob", "write"),
            "admin": self.token("root", "admin"),
            "reader": self.token("rita", "write"),
            "co-author": self.token("cora", "write"),
            "owner, reading": self.token("ann", "read"),
            "owner": self.token("ann", "write", client_id="another program"),
        }
