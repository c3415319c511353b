"""A real process whose models are watched: its spans reach a collector before it ends, and no key is ever printed."""

from pathlib import Path

from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.wire.collector import collecting
from tests.wire.processes import MODEL, with_model
from tests.wire.raw_stdio import raw_host

pytest_plugins = ("tests.provider.fixtures",)

QUERY = "What nobody else is to read?"
OTHER = "sk-another-person-s-key"


async def test_what_models_hear_and_say_is_on_standard_error_without_any_key_and_spans_are_sent_before_the_end(
    provider: Provider, tmp_path: Path
) -> None:
    with collecting() as collector:
        settings = with_model(
            provider, COMPANIONS_DEBUG="true", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COMPANIONS_LOG_LEVEL="DEBUG"
        )
        provider.queue(f"Ask with {OTHER} as your key.", replies.refusal(401))
        async with raw_host(tmp_path, "auto", settings) as host:
            await host.begin()
            drafted = await host.done("draft", query=QUERY)
            refused = await host.call("critique", session_id=drafted["session_id"])

    assert refused["result"]["isError"]
    printed = host.log.read_text()
    assert f"for: draft of generic in session {drafted['session_id']}" in printed
    assert f"human, {len(QUERY)} characters: {QUERY}" in printed
    assert "Ask with [masked] as your key." in printed
    assert "Error code: 401 - Refused with 401 for Bearer [masked]" in printed
    assert KEY in str(provider.exchanges[0].headers)
    assert KEY not in printed
    assert OTHER not in printed
    assert KEY.encode() not in b"".join(host.lines)
    assert collector.services() == {"persistent-companions"}
    names = [span.name for span in collector.spans()]
    assert {"tools/call draft", "draft generic", f"chat {MODEL}", "critique generic"} <= {*names}
    sent = b"".join(collector.bodies)
    assert KEY.encode() not in sent
    assert QUERY.encode() not in sent
