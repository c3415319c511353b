"""Drafts that a provider keeps, asked of the loopback one, and what that was sent; tests say what of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from companions.model_catalog import ModelCatalog
from companions.models import Message, Sampling, Task, Written
from companions.native_sessions import NativeSession
from tests.provider.server import Provider

Open = Callable[..., ModelCatalog]
MODEL = "gpt-4.1-mini"
SYSTEM = "Be brief."


def draft(
    query: str,
    history: Sequence[tuple[str, str]] = (),
    kept: Mapping[str, Any] | None = None,
    *,
    system: str = SYSTEM,
    **sampling: float,
) -> Task:
    texts = [text for exchange in history for text in exchange]
    told = [Message("ai" if number % 2 else "human", text) for number, text in enumerate(texts)]
    return Task(
        step="draft",
        messages=(Message("system", system), *told, Message("human", query)),
        query=query,
        sampling=Sampling(**sampling),  # pyright: ignore[reportArgumentType] -- max_tokens is an int in each caller
        native=NativeSession.of([*texts, query], kept),
    )


async def written(catalog: ModelCatalog, task: Task, model: str = MODEL) -> Written:
    return await catalog.get(model).write(task)


def sent(provider: Provider) -> list[tuple[str | None, list[str]]]:
    """Give of each question what it goes on from, and the texts that came with it."""
    return [
        (body.get("previous_response_id"), [each["content"] for each in body["input"]])
        for body in provider.bodies
        if "input" in body
    ]
