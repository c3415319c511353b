"""The wire to Anthropic's Messages API: its SDK's client, and LangChain's chat model that asks through it.

It opens and closes; for which event loop is ``provider_line``'s work, and what is asked ``langchain_models``'s.
"""

from typing import TYPE_CHECKING, NamedTuple

from companions.openai_line import NO_KEY
from companions.providers import Account
from companions.retrying_http import LONGEST_SECONDS, wishes_in
from companions.signs_of_life import note_request, note_response

if TYPE_CHECKING:
    import anthropic
    import httpx2
    from langchain_anthropic import ChatAnthropic
    from pydantic import SecretStr

ANTHROPIC_URL = "https://api.anthropic.com"
RETRIES = 2
"""How often the client asks again after 408, 409, 429, 5xx or a failed connection, backing off in between."""
UNKNOWN_TOKENS = 32_000
"""The limit of a reply where LangChain does not know the model's own; the API wants one with every call."""


class AnthropicSDK(NamedTuple):
    """What is used of the provider's SDK and LangChain's integration of it."""

    chat: "type[ChatAnthropic]"
    client: "type[anthropic.AsyncAnthropic]"
    http: "type[anthropic.DefaultAsyncHttpxClient]"
    secret: "type[SecretStr]"


def load_anthropic() -> AnthropicSDK:
    """Import the provider's SDK: over a second at first, so never in the event loop, and nowhere else."""
    import anthropic  # noqa: PLC0415 -- deferred, see above; so are the next two
    from langchain_anthropic import ChatAnthropic  # noqa: PLC0415
    from pydantic import SecretStr  # noqa: PLC0415

    return AnthropicSDK(ChatAnthropic, anthropic.AsyncAnthropic, anthropic.DefaultAsyncHttpxClient, SecretStr)


class AnthropicOpened(NamedTuple):
    """An open client, and what it was opened with."""

    client: "anthropic.AsyncAnthropic"
    key: str
    url: str


class AnthropicWire:
    """The ``Wire`` protocol over Anthropic's SDK."""

    def load(self) -> None:
        """Import the SDK."""
        load_anthropic()

    def open(self, account: Account) -> AnthropicOpened:
        """Open a client; nothing is taken from ``ANTHROPIC_*`` variables, nor from a profile on the disk."""
        sdk, key, url = load_anthropic(), account.key or NO_KEY, account.url or ANTHROPIC_URL
        hooks = {"request": [note_request], "response": [note_response, _follow_no_long_wish]}
        client = sdk.client(
            api_key=key,
            base_url=url,
            max_retries=RETRIES,
            timeout=None,  # ours are wider than a read: they bound silence and the whole call
            # A redirected request would take the prompt along to another host.
            http_client=sdk.http(event_hooks=hooks, timeout=None, follow_redirects=False),
            open_telemetry=False,  # its own spans would be a second account of a call, and may hold texts
        )
        # The SDK fills these from ANTHROPIC_CUSTOM_HEADERS, whatever it is given.
        client._custom_headers = {}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- it has no public name; tested
        return AnthropicOpened(client, key, url)

    def chat(self, opened: AnthropicOpened, model: str) -> "ChatAnthropic":
        """Make the chat model of that name."""
        sdk = load_anthropic()
        chat = sdk.chat(
            model_name=model,
            api_key=sdk.secret(opened.key),
            base_url=opened.url,
            timeout=None,
            stop=None,
            stream_usage=True,
            max_retries=RETRIES,
        )
        if not (chat.profile or {}).get("max_output_tokens"):
            chat.max_tokens = UNKNOWN_TOKENS
        # Its cached property, filled: its own client would be shared between event loops, and never closed.
        object.__setattr__(chat, "_async_client", opened.client)
        return chat

    async def close(self, opened: AnthropicOpened) -> None:
        """Close the client."""
        await opened.client.close()


async def _follow_no_long_wish(response: "httpx2.Response") -> None:
    """Keep the SDK from waiting longer than anybody would: it would do so for as long as it is told to."""
    if any(seconds > LONGEST_SECONDS for seconds in wishes_in(response.headers)):
        response.headers["x-should-retry"] = "false"
