"""The loopback provider as fixtures: one server for the whole run, empty for each test, and catalogs that ask it.

A test module names it in ``pytest_plugins`` and never imports it, or pytest could not rewrite it; what is asked and
answered is the test's own.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from companions.model_catalog import ModelCatalog
from companions.providers import PROVIDERS, Account
from tests.provider.editor import NobodysEditor
from tests.provider.server import KEY, Provider, serving


@pytest.fixture(scope="session")
def _served_provider() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(_served_provider: Provider) -> Iterator[Provider]:
    """A provider that nobody has asked anything yet."""
    yield _served_provider
    _served_provider.reset()


@pytest.fixture(scope="session")
def _few_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with one certificate: reading all of them for each client would be half of a test's work."""
    end = "-----END CERTIFICATE-----\n"
    one = Path(certifi.where()).read_text(encoding="ascii").partition(end)[0] + end
    path = tmp_path_factory.mktemp("certificates") / "one.pem"
    path.write_text(one, encoding="ascii")
    return path


@pytest.fixture
def few_certificates(_few_certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients read one certificate; the provider needs none."""
    monkeypatch.setenv("SSL_CERT_FILE", str(_few_certificates))


@pytest.fixture
async def open_catalog(provider: Provider, few_certificates: None) -> AsyncIterator[Callable[..., ModelCatalog]]:
    """Open catalogs that ask the provider with the key, unless an option says otherwise; they are closed in the end."""
    del few_certificates
    opened: list[ModelCatalog] = []

    def open_one(**options: Any) -> ModelCatalog:
        usual: dict[str, Any] = {"offline": NobodysEditor(), "openai_api_key": KEY, "openai_base_url": provider.url}
        usual["accounts"] = {name: Account(key=KEY, url=provider.root) for name in PROVIDERS}
        opened.append(ModelCatalog(**usual | options))
        return opened[-1]

    yield open_one
    for catalog in opened:
        await catalog.aclose()
