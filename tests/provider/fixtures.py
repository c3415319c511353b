"""The loopback provider as fixtures: one server for the whole run, empty for each test, and catalogs that ask it.

A test module names it in ``pytest_plugins`` and never imports it, or pytest could not rewrite it; what is asked and
answered is the test's own.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

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


@pytest.fixture
async def open_catalog(provider: Provider) -> AsyncIterator[Callable[..., ModelCatalog]]:
    """Open catalogs that ask the provider with the key, unless an option says otherwise; they are closed in the end."""
    opened: list[ModelCatalog] = []

    def open_one(**options: Any) -> ModelCatalog:
        usual: dict[str, Any] = {"offline": NobodysEditor(), "openai_api_key": KEY, "openai_base_url": provider.url}
        usual["accounts"] = {name: Account(key=KEY, url=provider.root) for name in PROVIDERS}
        opened.append(ModelCatalog(**usual | options))
        return opened[-1]

    yield open_one
    for catalog in opened:
        await catalog.aclose()
