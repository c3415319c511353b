"""Chat models for companions in Python: LangChain's own fake, and what the fixture of real clients is called."""

from collections.abc import Callable

from langchain_core.language_models import GenericFakeChatModel
from langchain_openai import ChatOpenAI

ACCEPT = '{"verdict": "accept"}'
Open = Callable[[], ChatOpenAI]


def saying(*texts: str) -> GenericFakeChatModel:
    """Give a chat model that says these texts, one a call."""
    return GenericFakeChatModel(messages=iter(texts))
