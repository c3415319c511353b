"""What every provider does with a picture and a PDF, asked through our own models."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk

from companions.attachments import Attachment
from companions.errors import ModelError
from companions.model_catalog import ModelCatalog
from companions.models import Message, Task
from tests.files import PDF, PNG, picture, report
from tests.provider.server import Provider
from tests.provider.spoken import SPOKEN

pytest_plugins = ("tests.provider.fixtures",)

Open = Callable[..., ModelCatalog]
WORDS = "What is this? {braces}"


def about(attachment: Attachment) -> Task:
    """Give a task with one attachment."""
    return Task(step="draft", messages=(Message("human", WORDS, attachments=(attachment,)),), query=WORDS)


def holds(sent: Any, data: bytes) -> bool:
    """Say whether a part of a request has all bytes of a file, in either alphabet of base64."""
    return any(encoded(data).decode() in str(sent) for encoded in (b64encode, urlsafe_b64encode))


@pytest.mark.parametrize("name", SPOKEN)
async def test_a_picture_reaches_the_provider_in_its_own_form(
    provider: Provider, open_catalog: Open, name: str
) -> None:
    provider.queue("A red pixel.")
    assert (await open_catalog().get(SPOKEN[name].model).write(about(picture()))).text == "A red pixel."
    (exchange,) = provider.exchanges
    assert holds(SPOKEN[name].picture(exchange.body), PNG)
    assert WORDS in str(exchange.body)


@pytest.mark.parametrize("name", [name for name, spoken in SPOKEN.items() if spoken.document])
async def test_a_pdf_reaches_the_provider_in_its_own_form(provider: Provider, open_catalog: Open, name: str) -> None:
    provider.queue("A short report.")
    assert (await open_catalog().get(SPOKEN[name].model).write(about(report()))).text == "A short report."
    (exchange,) = provider.exchanges
    document = SPOKEN[name].document
    assert document is not None
    assert holds(document(exchange.body), PDF)
    assert WORDS in str(exchange.body)


@pytest.mark.parametrize("name", [name for name, spoken in SPOKEN.items() if not spoken.document])
async def test_a_pdf_that_a_provider_cannot_be_sent_is_refused_and_is_no_outage(
    provider: Provider, open_catalog: Open, name: str
) -> None:
    with pytest.raises(ModelError, match=r"does not take a PDF, and 'report\.pdf' is one\. Choose a model") as failed:
        await open_catalog().get(SPOKEN[name].model).write(about(report()))
    assert (failed.value.outage, provider.bodies) == (None, [])


class Choosy(GenericFakeChatModel):
    """Refuses a file by itself, as integrations do before they ask anybody."""

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        raise ValueError("Blocks of type file not supported.")


async def test_what_a_programs_chat_model_cannot_send_is_told_as_that_and_is_no_outage(open_catalog: Open) -> None:
    choosy = open_catalog().wrap(Choosy(messages=iter([AIMessage("Seen.")])))
    with pytest.raises(ModelError, match=r"cannot be sent a PDF\. Choose a model") as failed:
        await choosy.write(about(report()))
    assert failed.value.outage is None
