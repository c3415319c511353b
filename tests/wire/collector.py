"""A collector of spans on the loopback: it takes OTLP over HTTP and keeps what it was sent, for a test to look at."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Collector:
    """What came in.

    Attributes:
        url: Where spans are to be sent.
        bodies: What was sent, as it came.
    """

    url: str
    bodies: list[bytes] = field(default_factory=list[bytes])

    def spans(self) -> list[Any]:
        """Give all spans."""
        resources = [each for body in self.bodies for each in _read(body).resource_spans]
        return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]

    def services(self) -> set[str]:
        """Give the names of the services that sent something."""
        found = [each.resource.attributes for body in self.bodies for each in _read(body).resource_spans]
        return {known.value.string_value for named in found for known in named if known.key == "service.name"}


def _read(body: bytes) -> Any:
    return ExportTraceServiceRequest.FromString(body)


@contextmanager
def collecting() -> Generator[Collector]:
    """Listen in a thread of its own until the block ends."""
    bodies: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name is the library's)
            pass

    listening = HTTPServer(("127.0.0.1", 0), Taking)
    thread = Thread(target=listening.serve_forever, name="span collector")
    thread.start()
    try:
        yield Collector(f"http://127.0.0.1:{listening.server_port}", bodies)
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
