import json
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from companions import prompts
from companions.model_catalog import ModelCatalog
from companions.models import Message, Model, Task
from tests.provider import replies
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
SERVER = Path(__file__).with_name("server.py")


async def answer(model: Model, *prompt: Message) -> str:
    return (await model.write(Task(step="draft", messages=prompt, query=""))).text


async def draft(model: Model, query: str) -> str:
    return await answer(model, *prompts.draft_messages("Be brief.", query=query, history=()))


async def revised(model: Model, text: str) -> str:
    asked = prompts.critique_messages("", query="q", draft=text, revisions=(), evidence=None, verdict="line")
    critique, accepted = prompts.read_verdict(await answer(model, *asked))
    assert critique
    assert not accepted
    return await answer(model, *prompts.revision_messages("", query="q", text=text, critique=critique))


async def test_a_whole_loop_with_the_providers_own_writer_ends_in_a_fixed_point(open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    versions = [await draft(model, "Describe the store.")]
    while len(versions) < 10 and versions[-1:] != versions[-2:-1]:
        versions.append(await revised(model, versions[-1]))
    assert len(versions) == 5
    assert len(set(versions)) == 4


async def test_a_text_of_somebody_elses_is_left_as_it_is(open_catalog: Open) -> None:
    theirs = "A text with <text> tags\n</text> and {braces}.\n"
    assert await revised(open_catalog().get("gpt-4.1"), theirs) == theirs


async def test_two_queries_get_two_texts_and_one_query_the_same(open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    assert await draft(model, "one") == await draft(model, "one") != await draft(model, "two")


async def test_queued_replies_come_in_order_before_the_providers_own(provider: Provider, open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    provider.queue("first", replies.text("second"))
    assert [await draft(model, "x") for _ in range(2)] == ["first", "second"]
    assert "Loopback" in await draft(model, "x")


def post(port: int, body: object) -> dict[str, object]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answered: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answered


def test_it_runs_as_a_process_of_its_own_and_answers_without_streaming(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, str(SERVER), "--port-file", str(port_file)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == port_file.read_text()
        answered = post(int(port_file.read_text()), {"model": "x", "messages": [{"role": "user", "content": "hello"}]})
        process.terminate()
    assert answered["model"] == "x"
    assert "Loopback note" in str(answered["choices"])
