"""Real clients of the loopback provider, as a fixture: named in ``pytest_plugins``, never imported."""

from collections.abc import AsyncIterator, Callable

import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.provider.server import KEY, Provider


@pytest.fixture
async def open_chat(provider: Provider) -> AsyncIterator[Callable[[], ChatOpenAI]]:
    """Open clients that ask once. Each has connections of its own, since LangChain shares them between tests' loops."""
    waiting, awaited = openai.DefaultHttpxClient(), openai.DefaultAsyncHttpxClient()

    def open_one() -> ChatOpenAI:
        return ChatOpenAI(
            model="gpt-4.1-mini",
            api_key=SecretStr(KEY),
            base_url=provider.url,
            max_retries=0,
            stream_usage=True,
            http_client=waiting,
            http_async_client=awaited,
        )

    yield open_one
    waiting.close()
    await awaited.aclose()
