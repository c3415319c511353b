import json
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from companions.model_catalog import ModelCatalog
from companions.models import Message, Model, Task
from tests.provider import replies, writer
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
SERVER = Path(__file__).with_name("server.py")


async def answer(model: Model, *prompt: str) -> str:
    messages = tuple(Message("human", text) for text in prompt)
    return (await model.write(Task(step="draft", messages=messages, query=prompt[-1]))).text


async def test_a_whole_loop_with_the_providers_own_writer_ends_in_a_fixed_point(open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    versions = [await answer(model, "Describe the store.")]
    for _ in range(10):
        critique = await answer(model, "Critique this, then a verdict line.", versions[-1])
        assert critique.endswith(writer.VERDICT)
        versions.append(await answer(model, "Revise this.", versions[-1], critique))
        if versions[-1] == versions[-2]:
            break
    assert len(versions) == 5
    assert len(set(versions)) == 4


async def test_two_queries_get_two_texts_and_one_query_the_same(open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    assert await answer(model, "one") == await answer(model, "one") != await answer(model, "two")


async def test_queued_replies_come_in_order_before_the_providers_own(provider: Provider, open_catalog: Open) -> None:
    model = open_catalog().get("gpt-4.1")
    provider.queue("first", replies.text("second"))
    assert [await answer(model, "x") for _ in range(2)] == ["first", "second"]
    assert "Loopback" in await answer(model, "x")


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
