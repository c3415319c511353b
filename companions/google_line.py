"""The wire to Google's Gemini API: its SDK's client, and LangChain's chat model that asks through it.

It opens and closes; for which event loop is ``provider_line``'s work, and what is asked ``langchain_models``'s. Vertex
AI, which is reached by other credentials, is not on it.
"""

from typing import TYPE_CHECKING, NamedTuple

from companions.openai_line import NO_KEY
from companions.providers import Account
from companions.retrying_http import idle, open_http

if TYPE_CHECKING:
    import httpx
    from google import genai
    from google.genai.client import DebugConfig
    from google.genai.types import HttpOptions
    from langchain_google_genai import ChatGoogleGenerativeAI
    from pydantic import SecretStr

GOOGLE_URL = "https://generativelanguage.googleapis.com/"
VERSION = "v1beta"
NOBODY = "gemini"
"""The name in the chat model that those of all names are copied from."""


class GoogleSDK(NamedTuple):
    """What is used of the provider's SDK and LangChain's integration of it."""

    chat: "type[ChatGoogleGenerativeAI]"
    client: "type[genai.Client]"
    debug: "type[DebugConfig]"
    options: "type[HttpOptions]"
    secret: "type[SecretStr]"


def load_google() -> GoogleSDK:
    """Import the provider's SDK: seconds at first, so never in the event loop, and nowhere else."""
    from google import genai  # noqa: PLC0415 -- deferred, see above; so are the next four
    from google.genai.client import DebugConfig  # noqa: PLC0415
    from google.genai.types import HttpOptions  # noqa: PLC0415
    from langchain_google_genai import ChatGoogleGenerativeAI  # noqa: PLC0415
    from pydantic import SecretStr  # noqa: PLC0415

    return GoogleSDK(ChatGoogleGenerativeAI, genai.Client, DebugConfig, HttpOptions, SecretStr)


class GoogleOpened(NamedTuple):
    """Open clients, and a chat model that asks through them."""

    http: "httpx.AsyncClient"
    client: "genai.Client"
    chat: "ChatGoogleGenerativeAI"


class GoogleWire:
    """The ``Wire`` protocol over Google's SDK."""

    def load(self) -> None:
        """Import the SDK."""
        load_google()

    def open(self, account: Account) -> GoogleOpened:
        """Open a client; nothing is taken from ``GOOGLE_*`` and ``GEMINI_*`` variables."""
        sdk, key, url, http = load_google(), account.key or NO_KEY, account.url or GOOGLE_URL, open_http()
        client = sdk.client(
            vertexai=False,
            api_key=key,
            http_options=sdk.options(base_url=url, api_version=VERSION, httpx_async_client=http, client_args=idle()),
            debug_config=sdk.debug(client_mode=None, replays_directory=None, replay_id=None),
        )
        chat = sdk.chat(
            model=NOBODY,
            api_key=sdk.secret(key),
            base_url=url,
            vertexai=False,
            location=None,
            temperature=None,
            client_args=idle(),
            max_retries=1,  # times that the SDK asks: it knows nothing of Retry-After, our HTTP client does
        )
        chat.client = client  # instead of its own, which reads variables of the environment
        return GoogleOpened(http, client, chat)

    def chat(self, opened: GoogleOpened, model: str) -> "ChatGoogleGenerativeAI":
        """Make the chat model of that name; copies share the client."""
        chat = opened.chat.model_copy(update={"model": model, "profile": None})
        # What LangChain knows of models is looked up where one is validated, which a copy is not.
        chat._set_model_profile()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportCallIssue] -- no public name
        return chat

    async def close(self, opened: GoogleOpened) -> None:
        """Close the clients: ours, which the SDK leaves open, and what the SDK and LangChain have opened beside it."""
        await opened.http.aclose()
        opened.client.close()
        await opened.chat.aclose()
