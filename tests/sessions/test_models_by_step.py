"""Which model writes what: a critic's and a comparison's own, by call, session, file and setting."""

from collections import deque
from pathlib import Path
from typing import Any

import pytest

from companions.companion_types import Library
from companions.configuration import Configuration, Defaults
from companions.critics import Critic
from companions.errors import InputError, UnknownNameError
from companions.models import Sampling, TaskStep
from companions.prompts import NOTHING_LEFT
from sessions.choosing_models import named_models
from terminal.options import Options
from tests.sessions.faults import LIBRARY, ScriptedModel
from tests.sessions.looping import MORE, refine, version, votes
from tests.sessions.own_companions import SECTIONS, Named, Open

pytest_plugins = ("tests.sessions.own_companion_fixtures",)

SET = Defaults(execution_mode="server", model="main", critic_model="set critic", comparison_model="set comparison")
FILE = "critic_model: file critic\ncomparison_model: file comparison\n"
CRITIC = Critic(name="tone", model="own")


def library(folder: Path, settings: str) -> Library:
    (folder / "own.md").write_text(f"---\nname: own\ndescription: Mine.\n{settings}---\n{SECTIONS}")
    return Library.load(folder)


def chosen(folder: Path, settings: str, asked: Sampling | None = None, defaults: Defaults = SET) -> Configuration:
    return Configuration.choose(library(folder, settings).get("own"), defaults, asked or Sampling())


@pytest.mark.parametrize(
    ("settings", "defaults", "asked", "model"),
    [
        ("", SET, ("draft", None), "main"),
        ("", SET, ("revise", None), "main"),
        ("", Defaults(execution_mode="server", model="main"), ("critique", None), "main"),
        ("model: file\n", SET, ("critique", None), "set critic"),
        (FILE, SET, ("critique", None), "file critic"),
        (FILE, SET, ("critique", Critic(name="tone")), "file critic"),
        (FILE, SET, ("critique", CRITIC), "own"),
        ("", SET, ("compare", None), "set comparison"),
        (FILE, SET, ("compare", None), "file comparison"),
        ("model: file\n", Defaults(execution_mode="server"), ("compare", None), "file"),
    ],
)
def test_the_nearest_to_the_step_is_asked_and_what_was_asked_for_goes_before_all(
    tmp_path: Path, settings: str, defaults: Defaults, asked: tuple[TaskStep, Critic | None], model: str
) -> None:
    configuration = chosen(tmp_path, settings, defaults=defaults)
    assert configuration.model_for(Sampling(), *asked) == model
    assert configuration.model_for(Sampling(model="called"), *asked) == "called"
    session = chosen(tmp_path, settings, Sampling(model="session"), defaults)
    assert session.model_for(Sampling(), *asked) == "session"


def test_further_models_are_kept_with_the_session_and_nothing_is_where_there_are_none(tmp_path: Path) -> None:
    configuration = chosen(tmp_path, f"{FILE}fallback_models: [one, two]\n")
    assert Configuration.from_meta(configuration.to_meta()) == configuration
    assert configuration.to_meta()["fallback_models"] == ["one", "two"]
    plain = Configuration.choose(LIBRARY.get("generic"), Defaults(execution_mode="server"), Sampling()).to_meta()
    assert plain.keys().isdisjoint({"critic_model", "comparison_model", "fallback_models"})


def test_a_file_s_fallbacks_go_before_the_setting_s_also_if_there_are_none(tmp_path: Path) -> None:
    defaults = Defaults(execution_mode="server", fallback_models=("set",))
    assert chosen(tmp_path, "", defaults=defaults).fallback_models == ("set",)
    assert chosen(tmp_path, "fallback_models: []\n", defaults=defaults).fallback_models == ()


@pytest.mark.parametrize("given", ["one", "[host]", "[a, b, c, d, e]", "['']", "[1]", "{a: b}"])
def test_a_file_with_fallbacks_that_are_none_is_told_with_the_line(tmp_path: Path, given: str) -> None:
    (problem,) = library(tmp_path, f"fallback_models: {given}\n").problems
    assert (problem.line, problem.what.partition(":")[0]) == (4, "fallback_models")


def test_settings_name_them_and_those_that_are_no_models_are_refused() -> None:
    given: dict[str, Any] = {"model": "openai:main", "critic_model": "openai:critic"}
    given |= {"comparison_model": "openai:comparison", "fallback_models": "openai:one, two"}
    defaults = Options(**given).defaults()
    assert (defaults.critic_model, defaults.comparison_model) == ("openai:critic", "openai:comparison")
    assert defaults.fallback_models == ("openai:one", "two")
    names = {f"openai:{name}" for name in ("main", "critic", "comparison", "one", "two")}
    assert named_models(LIBRARY, defaults, ()) == names
    with pytest.raises(InputError, match="neither host nor offline"):
        Options(fallback_models="openai:one, offline").defaults()


async def test_in_a_loop_each_writes_its_own_and_the_entries_say_who(opened: Open) -> None:
    models = Named()
    models.models = {
        "main": ScriptedModel("main", deque([version(0), version(8), version(10)])),
        "set critic": ScriptedModel("set critic", deque([MORE, MORE])),
        "set comparison": ScriptedModel("set comparison", deque(votes("A", "D"))),
    }
    process = await opened(
        "max_iterations: 2\n", models, model="main", critic_model="set critic", comparison_model="set comparison"
    )
    done = await refine(process, query="Q?", companion="own")
    entries = [entry for entry in await process.entries(done.session_id) if "asked_model" in entry.meta]
    wrote = {entry.kind: entry.meta["asked_model"] for entry in entries}
    assert (wrote["draft"], wrote["revision"], wrote["critique"]) == ("main", "main", "set critic")
    assert done.pick is not None
    assert [each["asked_model"] for each in done.pick.meta["comparisons"]] == ["set comparison"] * 2


async def test_a_fallback_that_nobody_has_is_refused_before_anything_is_stored(opened: Open) -> None:
    models = Named()
    models.say(main=NOTHING_LEFT)
    process = await opened("fallback_models: [nobody]\n", models, model="main")
    with pytest.raises(UnknownNameError, match="'nobody'"):
        await process.step("draft", companion_type="own", query="Q?")
    assert process.store.batches == []
