"""What a provider keeps of archived sessions is deleted there once, whichever store remembers it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from companions.model_catalog import ModelCatalog
from sessions.provider_copies import ProviderCopies
from sessions.store import Head, Store
from sessions.stores.memory.store import MemoryStore
from tests.provider.server import Provider
from tests.sessions.building import Story, note, projection

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]


async def written(store: Store, *ids: str, account: str | None) -> Story:
    story = Story(store)
    drafts = [note("draft", slot=n, native={"response_id": each, "account": account}) for n, each in enumerate(ids)]
    await story.write(*drafts)
    shown = {"generic": {"phase": "critique"}}
    await store.project([replace(projection(story.session_id), seq=len(ids), companions=shown)])
    return story


async def head_of(story: Story) -> Head:
    head = await story.store.head(story.session_id)
    assert head is not None
    return head


def copies_of(store: Store, catalog: ModelCatalog) -> ProviderCopies:
    """Give them as a program does that begins now: all that it knows is in the store."""
    return ProviderCopies(store, provider=catalog.responses)


async def test_it_is_deleted_once_and_then_only_what_came_since(
    store: Store, provider: Provider, open_catalog: Open
) -> None:
    catalog = open_catalog()
    story = await written(store, "resp_a", "resp_b", account=catalog.responses.line.account)
    for _ in range(2):
        await copies_of(store, catalog).archive(await head_of(story))
    assert sorted(provider.responses.deletions) == ["resp_a", "resp_b"]
    await story.write(
        note("learned", slot=1, text=""), note("draft", slot=2, native={"response_id": "resp_c", "account": None})
    )
    for _ in range(2):
        await copies_of(store, catalog).archive(await head_of(story))
    assert provider.responses.deletions[2:] == ["resp_c"]


async def test_what_a_provider_could_not_delete_is_asked_for_again(provider: Provider, open_catalog: Open) -> None:
    catalog = open_catalog()
    story = await written(store := MemoryStore(), "resp_a", account=catalog.responses.line.account)
    provider.responses.deleting = 400
    for _ in range(2):
        await copies_of(store, catalog).archive(await head_of(story))
    provider.responses.deleting = 200
    for _ in range(2):
        await copies_of(store, catalog).archive(await head_of(story))
    assert provider.responses.deletions == ["resp_a"] * 3


async def test_what_another_account_wrote_is_named_in_the_log_once(
    provider: Provider, open_catalog: Open, caplog: pytest.LogCaptureFixture
) -> None:
    story = await written(store := MemoryStore(), "resp_a", account="another")
    for _ in range(2):
        await copies_of(store, open_catalog()).archive(await head_of(story))
    assert provider.responses.deletions == ["resp_a"]
    assert [record.message for record in caplog.records if "resp_a" in record.message] == [
        "the provider may still keep these responses, since they could not be deleted: resp_a"
    ]


async def test_without_a_key_nothing_is_taken_for_deleted(provider: Provider, open_catalog: Open) -> None:
    catalog = open_catalog()
    story = await written(store := MemoryStore(), "resp_a", account=catalog.responses.line.account)
    keyless = open_catalog(openai_api_key=None, openai_base_url=None)
    await copies_of(store, keyless).archive(await head_of(story))
    await copies_of(store, catalog).archive(await head_of(story))
    assert provider.responses.deletions == ["resp_a"]
