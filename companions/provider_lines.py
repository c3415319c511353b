"""The lines to all providers, by their names.

It joins a provider to its wire; nothing is imported or opened before a line is asked.
"""

from collections.abc import Mapping

from companions.anthropic_line import AnthropicWire
from companions.google_line import GoogleWire
from companions.ollama_line import OllamaWire
from companions.openai_line import OpenAILine
from companions.provider_line import Line, ProviderLine
from companions.providers import ANTHROPIC, GOOGLE, OLLAMA, OPENAI, Account

NOBODYS = Account()


def open_lines(accounts: Mapping[str, Account]) -> dict[str, Line]:
    """Give the line to each provider that its account is enough for."""
    given = {known: accounts.get(known.name, NOBODYS) for known in (OPENAI, ANTHROPIC, GOOGLE, OLLAMA)}
    lines: dict[str, Line] = {
        OPENAI.name: OpenAILine(api_key=given[OPENAI].key, base_url=given[OPENAI].url),
        ANTHROPIC.name: ProviderLine(ANTHROPIC, given[ANTHROPIC], AnthropicWire()),
        GOOGLE.name: ProviderLine(GOOGLE, given[GOOGLE], GoogleWire()),
        OLLAMA.name: ProviderLine(OLLAMA, given[OLLAMA], OllamaWire()),
    }
    return {known.name: lines[known.name] for known, account in given.items() if known.answers(account)}
