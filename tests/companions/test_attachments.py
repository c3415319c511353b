"""Files that belong to a query: what is taken, and how a model is shown it."""

import binascii
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from companions import tasks
from companions.attachments import NAME_CHARACTERS, Attachment, kind_of, plain_type
from companions.critics import Critic
from companions.errors import InputError, ModelError, PhaseError
from companions.langchain_models import LangChainModel
from companions.model_catalog import ModelCatalog
from companions.models import Task
from companions.offline import OfflineEditor
from companions.prompts import instructions_for_caller, with_aspect
from companions.requests import Plan, Repeat
from tests.beside_the_loop import LARGE, Watch
from tests.companions.driving import Driver
from tests.files import NOTES, PDF, PNG, notes, picture, report
from tests.provider import replies
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
ALL = (notes(), picture(), report())


def shown(driver: Driver, *attached: Attachment, **asked: Any) -> Task:
    """Give what a model is given for a step on a query with attachments."""
    return tasks.task(driver.companion, driver.begin(**asked), attached=attached)


@pytest.mark.parametrize(
    ("mime_type", "data"),
    [
        ("image/png", PNG),
        ("image/jpeg", b"\xff\xd8\xff\xe0rest"),
        ("image/gif", b"GIF89a rest"),
        ("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
        ("application/pdf", PDF),
        ("text/plain", NOTES.encode()),
        ("text/csv", b"a,b\n1,2\n"),
        ("text/x-python", b"print()\n"),
        ("application/json", b"{}"),
    ],
)
def test_a_file_whose_bytes_agree_with_its_type_is_taken(mime_type: str, data: bytes) -> None:
    made = Attachment(name="a file.x", mime_type=mime_type, data=data)
    assert made.told()["bytes"] == len(data)
    assert made.kind == kind_of(mime_type)


@pytest.mark.parametrize(
    ("mime_type", "data", "what"),
    [
        ("image/png", b"\xff\xd8\xff", r"are not image/png\."),
        ("image/webp", b"RIFF\x00\x00\x00\x00WAVE", r"are not image/webp\."),
        ("application/pdf", b"words", r"are not application/pdf\."),
        ("text/plain", PNG, r"are not text/plain\."),
        ("text/plain", b"a\0b", r"are not text/plain\."),
        ("text/plain", b" \n", r"are not text/plain\."),
        ("image/tiff", b"II*\0", r"a type that is not taken: 'image/tiff'\."),
        ("text/", b"words", "a type that is not taken"),
        ("", b"words", "a type that is not taken"),
        ("image/png", b"", r"is empty\."),
    ],
)
def test_a_file_that_no_model_could_be_shown_is_refused(mime_type: str, data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        Attachment(name="x", mime_type=mime_type, data=data)


@pytest.mark.parametrize("name", ["", "  ", "..", "a/b.png", "a\\b.png", "a\nb", "x" * (NAME_CHARACTERS + 1)])
def test_a_name_is_a_plain_one(name: str) -> None:
    with pytest.raises(InputError, match="has no name, or one that is too long"):
        Attachment(name=name, mime_type="image/png", data=PNG)


def test_a_type_is_read_without_its_parameters() -> None:
    assert plain_type(" Text/Markdown; charset=UTF-8") == "text/markdown"


def test_every_step_sees_texts_as_material_and_names_the_rest_which_stands_beside() -> None:
    driver = Driver()
    steps = [shown(driver, *ALL, step="draft", query="What does it say?", attachments=ALL)]
    driver.record_text("draft", "It says much.")
    steps.append(shown(driver, *ALL, step="critique"))
    driver.critique("Say how much.")
    steps.append(shown(driver, *ALL, step="revise"))
    for step in steps:
        asked = step.messages[-1]
        assert NOTES in asked.text
        assert "chart.png (image/png)" in asked.text
        assert "report.pdf (application/pdf)" in asked.text
        assert asked.text.index(NOTES) < asked.text.index("What does it say?")
        assert asked.attachments == (picture(), report())
        # The notes hold closing tags of the plain kind, so that all tags bear a number.
        assert f"<attachment-1>\nnotes.md (text/markdown):\n\n{NOTES}\n</attachment-1>" in asked.text
        assert NOTES in instructions_for_caller(step.messages)["user"]


def test_what_is_added_for_a_critic_leaves_the_attachments() -> None:
    driver = Driver()
    driver.draft("What does it say?", "Much.")
    asked = shown(driver, *ALL, step="critique").messages
    critic = Critic(name="facts", focus="numbers")
    assert with_aspect(asked, critic.name, critic.focus)[-1].attachments == (picture(), report())


def test_the_same_words_with_other_files_are_another_question() -> None:
    driver = Driver()
    driver.begin(step="draft", query="What?", attachments=(picture(),))
    assert driver.companion.slot is not None
    assert driver.companion.slot.query.meta["attachments"] == [picture().told()]
    waiting = driver.plan(step="draft", query="What?", attachments=(picture(),))
    assert isinstance(waiting, Plan)
    assert waiting.query is None
    added = driver.plan(step="draft", attachments=(report(),))
    assert isinstance(added, Plan)
    assert (added.query, added.attachments, added.slot) == ("What?", [report().told()], 0)
    driver.record_text("draft", "Much.")
    assert isinstance(driver.plan(step="draft", query="What?"), Repeat)
    assert isinstance(driver.plan(step="draft", query="What?", attachments=(picture(),)), Repeat)
    other = driver.plan(step="draft", query="What?", attachments=(picture("other.png"),))
    assert isinstance(other, Plan)
    assert other.slot == 1
    with pytest.raises(PhaseError, match="attachments belong to a query"):
        driver.plan(step="draft", attachments=(report(),))
    driver.critique()
    again = driver.plan(step="draft", query="What?", redo=True)
    assert isinstance(again, Plan)
    assert (again.slot, again.attachments) == (1, [picture().told()])


async def test_a_provider_is_sent_the_bytes_in_its_own_blocks(provider: Provider, open_catalog: Open) -> None:
    provider.queue("A red pixel.")
    task = shown(Driver(), *ALL, step="draft", query="What is it?", attachments=ALL)
    written = await open_catalog().get("gpt-4.1-mini").write(task)
    assert written.text == "A red pixel."
    *_, asked = provider.bodies[0]["messages"]
    image, file, words = asked["content"]
    assert image == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(PNG).decode()}"}}
    data = f"data:application/pdf;base64,{b64encode(PDF).decode()}"
    assert file == {"type": "file", "file": {"filename": "report.pdf", "file_data": data}}
    assert words == {"type": "text", "text": task.messages[-1].text}


async def test_a_model_that_is_known_not_to_take_a_kind_is_not_asked() -> None:
    task = shown(Driver(), picture(), report(), step="draft", query="What is it?", attachments=(picture(), report()))
    chat = GenericFakeChatModel(messages=iter([AIMessage("Seen.")] * 2), profile={"image_inputs": False})
    with pytest.raises(ModelError, match=r"does not take an image, and 'chart\.png' is one\. Choose a model"):
        await LangChainModel(chat).write(task)
    chat = GenericFakeChatModel(messages=iter([AIMessage("Seen.")]), profile={"image_inputs": True})
    assert (await LangChainModel(chat).write(task)).text == "Seen."


@pytest.mark.parametrize("model", ["openai:gpt-3.5-turbo", "google:gemini-2.5-flash-preview-tts"])
async def test_what_is_known_of_a_provider_s_model_by_its_own_name_counts(
    provider: Provider, open_catalog: Open, model: str
) -> None:
    task = shown(Driver(), picture(), step="draft", query="What is it?", attachments=(picture(),))
    with pytest.raises(ModelError, match=rf"{model.partition(':')[2]}' does not take an image"):
        await open_catalog().get(model).write(task)
    assert provider.bodies == []


async def test_a_large_picture_is_encoded_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Attachment(name="chart.png", mime_type="image/png", data=PNG + bytes(LARGE))
    chat = GenericFakeChatModel(messages=iter([AIMessage("Seen.")]))
    watch = Watch(monkeypatch)
    watch.over(binascii, "b2a_base64")
    task = shown(Driver(), large, step="draft", query="What is it?", attachments=(large,))
    assert (await LangChainModel(chat).write(task)).text == "Seen."
    assert (watch.seen, watch.blocked) == ({"b2a_base64"}, set())


@pytest.mark.parametrize("status", [400, 415, 422])
async def test_a_provider_that_refuses_what_was_attached_is_told_as_that(
    provider: Provider, open_catalog: Open, status: int
) -> None:
    provider.queue(replies.refusal(status), replies.refusal(status))
    task = shown(Driver(), picture(), report(), step="draft", query="What is it?", attachments=(picture(), report()))
    with pytest.raises(ModelError, match=rf"\(HTTP {status}\), which carried an image and a PDF\. Choose a model"):
        await open_catalog().get("gpt-4.1-mini").write(task)
    plain = shown(Driver(), notes(), step="draft", query="What is it?", attachments=(notes(),))
    with pytest.raises(ModelError, match=rf"\(HTTP {status}\)\. Check the model's name"):
        await open_catalog().get("gpt-4.1-mini").write(plain)


async def test_the_offline_editor_takes_texts_as_its_draft_and_refuses_what_it_cannot_read() -> None:
    text = notes("A text that is attached.")
    written = await OfflineEditor().write(shown(Driver(), text, step="draft", query="Improve it", attachments=(text,)))
    assert written.text == "A text that is attached."
    with pytest.raises(ModelError, match=r"reads text only, and the attachment 'chart\.png' is image/png\."):
        await OfflineEditor().write(shown(Driver(), *ALL, step="draft", query="Improve it", attachments=ALL))
