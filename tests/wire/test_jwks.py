"""Keys that an issuer publishes: read over HTTP, read anew when they change, missed when they cannot be read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from fastmcp import Client
from fastmcp.server.auth.providers.jwt import RSAKeyPair
from joserfc.jwk import RSAKey
from mcp import MCPError

from tests.terminal.commands import Terminal
from tests.wire.processes import Served, serving_http
from tests.wire.tokens import AUDIENCE, ISSUER


@dataclass
class Publisher:
    """An issuer's keys by id, and where they are published."""

    keys: dict[str, RSAKeyPair] = field(default_factory=dict[str, RSAKeyPair])
    served: str | None = None
    url: str = ""

    def body(self) -> bytes:
        if self.served is not None:
            return self.served.encode()
        public = [RSAKey.import_key(pair.public_key).as_dict() | {"kid": kid} for kid, pair in self.keys.items()]
        return json.dumps({"keys": public}).encode()

    def token(self, kid: str) -> str:
        return self.keys[kid].create_token("ann", ISSUER, AUDIENCE, ["write"], kid=kid)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "COMPANIONS_AUTH_JWKS_URL": self.url,
            "COMPANIONS_AUTH_ISSUER": ISSUER,
            "COMPANIONS_AUTH_AUDIENCE": AUDIENCE,
        }


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher({"first": RSAKeyPair.generate()})

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(made.body())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}/jwks"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def terminal(capsysbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    return Terminal(capsysbinary)


async def drafted(served: Served, token: str) -> bool:
    async with Client(served.url, auth=token, verify=False) as client:
        return not (await client.call_tool("draft", {"query": "Q?", "text": "Words."})).is_error


async def test_a_token_is_taken_by_a_published_key_and_no_other(publisher: Publisher, tmp_path: Path) -> None:
    stranger = Publisher({"first": RSAKeyPair.generate()})
    with serving_http(tmp_path, publisher.settings) as served:
        assert await drafted(served, publisher.token("first"))
        with pytest.raises(MCPError, match="error response"):
            await drafted(served, stranger.token("first"))


def test_doctor_counts_the_keys_that_can_be_read(
    terminal: Terminal, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in publisher.settings.items():
        monkeypatch.setenv(name, value)
    assert f"ok     Authentication: keys are read from {publisher.url} (1)\n" in terminal("doctor").out.decode()
    for served in ("no keys", '{"keys": null}', "[]"):
        publisher.served = served
        said = terminal("doctor")
        assert (said.status, "no keys can be read" in said.out.decode()) == (1, True)
    monkeypatch.setenv("COMPANIONS_AUTH_JWKS_URL", "http://127.0.0.1:9/jwks")
    assert "so every token is refused" in terminal("doctor").out.decode()
