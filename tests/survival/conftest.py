"""Places for servers to be tried on, on servers that these tests alone stop, kill and freeze."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.survival.backends import Backend, Databases, Place, databases


@pytest.fixture(scope="session")
def backends() -> Iterator[Callable[[Backend], Databases]]:
    """Give a backend by name, started when it is first asked for."""
    with ExitStack() as running:

        @cache
        def started(backend: Backend) -> Databases:
            return running.enter_context(databases(backend))

        yield started


@pytest.fixture
def place(request: pytest.FixtureRequest, backends: Callable[[Backend], Databases]) -> Place:
    """Give an empty database of the backend that the test names."""
    return backends(request.param).fresh()
