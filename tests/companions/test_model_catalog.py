import asyncio
from collections.abc import Callable

import pytest

from companions.errors import ModelError, UnknownNameError
from companions.model_catalog import ModelCatalog, whole_name
from companions.models import Message, Task
from companions.patience import Bounds
from companions.providers import Account
from tests.provider.editor import NobodysEditor
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
TASK = Task(step="draft", messages=(Message("human", "Why?"),), query="Why?", text="Because.")


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("openai:gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini", "gpt-5-mini"),
        (" openai: gpt-5-mini ", "gpt-5-mini"),
        ("openai:llama3.2:3b", "llama3.2:3b"),
        ("llama3.2:3b", "llama3.2:3b"),
        ("ft:gpt-4.1-mini:us::id", "ft:gpt-4.1-mini:us::id"),
        ("openai:ft:gpt-4.1-mini:us::id", "ft:gpt-4.1-mini:us::id"),
        ("anthropic/claude", "anthropic/claude"),
        ("openai:anthropic:claude", "anthropic:claude"),
        (None, "the-default:1b"),
        ("", "the-default:1b"),
    ],
)
async def test_a_name_asks_the_server_for_that_model(
    provider: Provider, open_catalog: Open, asked: str | None, name: str
) -> None:
    model = open_catalog(default="openai:the-default:1b").get(asked)
    assert model.name == whole_name(asked or "the-default:1b") == f"openai:{name}"
    await model.write(TASK)
    assert provider.bodies[0]["model"] == name


@pytest.mark.parametrize("asked", ["offline", None])
async def test_offline_is_the_built_in_editor(open_catalog: Open, asked: str | None) -> None:
    written = await open_catalog(default="offline", openai_base_url=None).get(asked).write(TASK)
    assert (written.text, written.model) == ("Because.", "offline")


@pytest.mark.parametrize("asked", ["mistral:large", "offline:x", "llama3.2:3b", "{0}:x"])
def test_a_provider_that_nobody_knows_is_refused_with_those_that_are(open_catalog: Open, asked: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        open_catalog(openai_base_url=None).get(asked)
    assert repr(asked.partition(":")[0]) in refused.value.what
    assert "'openai', 'anthropic', 'google', 'ollama' and 'offline'" in refused.value.what


def test_fine_tuned_models_of_openai_are_known_by_their_own_names(open_catalog: Open) -> None:
    assert open_catalog(openai_base_url=None).get("ft:gpt-4.1-mini:us::id").name == "openai:ft:gpt-4.1-mini:us::id"


@pytest.mark.parametrize("asked", ["openai:", "google: ", "anthropic", "host", "x" * 201])
def test_what_is_no_models_name_is_refused(open_catalog: Open, asked: str) -> None:
    with pytest.raises(UnknownNameError, match="is not the name of a model"):
        open_catalog().get(asked)


@pytest.mark.parametrize(("default", "asked"), [(None, None), (None, "gpt-5"), ("openai:gpt-5", None)])
async def test_what_is_not_set_up_says_which_settings_to_set_and_not_before_it_is_asked_to_write(
    monkeypatch: pytest.MonkeyPatch, default: str | None, asked: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-stray")
    model = ModelCatalog(offline=NobodysEditor(), default=default).get(asked)
    with pytest.raises(ModelError) as failed:
        await model.write(TASK)
    assert "OPENAI_API_KEY" in failed.value.remedy
    assert "COMPANIONS_MODEL" in failed.value.remedy


@pytest.mark.parametrize(
    ("accounts", "asked", "said"),
    [
        ({"anthropic": Account(key="k")}, None, "COMPANIONS_MODEL to anthropic:NAME"),
        ({"google": Account(key="k")}, None, "COMPANIONS_MODEL to google:NAME"),
        ({}, None, "COMPANIONS_MODEL to openai:NAME"),
        ({"google": Account(key="k")}, "anthropic:claude", "Set ANTHROPIC_API_KEY, and COMPANIONS_MODEL to anthropic:"),
    ],
)
async def test_the_error_names_the_provider_whose_key_there_is(
    open_catalog: Open, accounts: dict[str, Account], asked: str | None, said: str
) -> None:
    catalog = open_catalog(openai_api_key=None, openai_base_url=None, accounts=accounts)
    with pytest.raises(ModelError) as failed:
        await catalog.get(asked).write(TASK)
    assert said in failed.value.remedy


@pytest.mark.parametrize("asked", ["anthropic:claude", " google: gemini ", "ollama:llama3.2:3b"])
def test_a_model_of_another_provider_bears_its_name(open_catalog: Open, asked: str) -> None:
    name = ":".join(part.strip() for part in asked.split(":"))
    assert open_catalog().get(asked).name == whole_name(asked) == name


async def test_a_base_url_that_is_not_one_is_told_as_such(open_catalog: Open) -> None:
    with pytest.raises(ModelError, match="OPENAI_BASE_URL"):
        await open_catalog(openai_base_url="http://[nonsense").get("x").write(TASK)


async def test_catalogs_keep_their_own_bounds(provider: Provider, open_catalog: Open) -> None:
    hasty, patient = open_catalog(bounds=Bounds(total_seconds=0.000_001)), open_catalog()
    with pytest.raises(ModelError):
        await hasty.get("x").write(TASK)
    assert (await asyncio.wait_for(patient.get("x").write(TASK), 30)).text
    assert provider.bodies
