"""FastMCP with what our server may not be served without over HTTP, whoever serves it (also ``fastmcp run``).

Host and Origin are always checked, and an address that others reach is refused where nobody has to show who they are.
"""

from typing import Any

import fastmcp
from fastmcp import FastMCP
from fastmcp.server.http import StarletteWithLifespan

from companions.errors import InputError
from middleware.addresses import is_loopback


class GuardedServer(FastMCP):
    """A server that cannot be served over HTTP without its checks."""

    def http_app(self, *args: Any, **chosen: Any) -> StarletteWithLifespan:
        """Make the application; checking hosts and origins is no choice."""
        return super().http_app(*args, **(chosen | {"host_origin_protection": True}))

    async def run_http_async(self, *args: Any, host: str | None = None, **chosen: Any) -> None:
        """Serve over HTTP.

        Raises:
            InputError: Others reach the address, and no authentication is set.
        """
        host = fastmcp.settings.host if host is None else host
        check_address(host, authenticated=self.auth is not None)
        await super().run_http_async(*args, host=host, **chosen)


def check_address(host: str, *, authenticated: bool) -> None:
    """Refuse an address that others reach where nobody has to show who they are.

    Raises:
        InputError: It is one.
    """
    if not authenticated and not is_loopback(host):
        raise InputError(
            f"{host} can be reached from other machines, and no authentication is set.",
            "Set COMPANIONS_AUTH_JWKS_URL with its issuer and audience, or serve on 127.0.0.1 alone.",
        )
