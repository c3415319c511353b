"""Keeps what models are asked out of LangSmith, whatever variables of the environment say.

LangChain would upload every prompt there once such a variable is set. Spans of our own are ``sessions/watching``'s
work; whether calls of a chat model that a program in Python made are traced is that program's to say.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager


@asynccontextmanager
async def untraced() -> AsyncGenerator[None]:
    """Trace nothing of what this task does inside."""
    with await asyncio.to_thread(_off):  # in a thread: the first call imports
        yield


def _off() -> AbstractContextManager[None]:
    from langsmith import run_helpers  # noqa: PLC0415 -- deferred: it comes with LangChain, and is heavy

    return run_helpers.tracing_context(enabled=False)  # pyright: ignore[reportUnknownMemberType] -- in part not typed
