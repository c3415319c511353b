"""The clients, installed once and kept among pytest's own cached files."""

import pytest

from tests.interop.clients import Clients, install


@pytest.fixture(scope="session")
def clients(pytestconfig: pytest.Config) -> Clients:
    assert pytestconfig.cache is not None
    return install(pytestconfig.cache.mkdir("interop"))
