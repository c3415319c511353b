"""redis-py as we use it: clients that can be cancelled at any moment, and commands sent once, as they are.

The one place that knows the driver. Which server a command goes to is ``nodes``'s work, what an error means to
a caller ``faults``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sessions.stores.redis.scripts import Script

CONNECT_SECONDS = 2.0
"""How long connecting, and disconnecting in order, may take."""
CONNECTIONS = 32
"""Most connections to one server."""
READ_SIZE = 1 << 17
"""Most bytes that are taken from a socket at a time: a page is megabytes, and asyncio holds no more than this."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        key: Tells which node of a cluster it is sent to.
        words: What is sent.
        script: The script that it calls by its digest, if it calls one.
    """

    key: str
    words: tuple[Any, ...]
    script: Script | None = None

    @property
    def in_full(self) -> "Command":
        """The same for a server that does not know the script yet; from then on it does."""
        return self if self.script is None else replace(self, words=("EVAL", self.script.text, *self.words[2:]))


def command(name: str, key: str, *words: Any) -> Command:
    """Make a command whose first word is its key."""
    return Command(key, (name, key, *words))


def call(script: Script, keys: Sequence[str], *words: Any) -> Command:
    """Make the call of a script."""
    return Command(keys[0], ("EVALSHA", script.digest, len(keys), *keys, *words), script)


class Driver:
    """redis-py, imported when a store is first used: it takes as long as a third of the program's start."""

    def __init__(self) -> None:
        from redis import asyncio as library  # noqa: PLC0415 -- deferred, see above; so are the next three
        from redis import backoff, exceptions  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.crc import key_slot  # noqa: PLC0415

        # Any: half of the driver's types are open.
        self.library: Any = library
        self.errors: Any = exceptions
        self.retry: Any = Retry(backoff.NoBackoff(), 0)
        self.key_slot = key_slot

    def client(self, url: str) -> Any:
        """Make a client of one server; it connects on first use.

        Raises:
            ValueError: The driver cannot read the URL.
            TypeError: It does not know a parameter of it.
        """
        # A write that timed out in the driver could not be cancelled safely, so it has no time-out of its own: the
        # caller's deadline cancels the call. RESP2, because its replies are the same on every server since 6.2. And
        # no announcement of the driver's version, which it would look up on the disk for every connection.
        client = self.library.Redis.from_url(
            url,
            protocol=2,
            decode_responses=True,
            encoding_errors="surrogatepass",
            retry=self.retry,
            driver_info=None,
            socket_read_size=READ_SIZE,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
        )
        pool = client.connection_pool
        pool.connection_class = _abrupt(pool.connection_class)
        pool.make_connection()  # connects nowhere; else each call would find out what the URL has that is not known
        return _raw(client)

    def neighbour(self, client: Any, host: str, port: int) -> Any:
        """Make a client of another server that is reached in the same way."""
        pool = client.connection_pool
        options = {**pool.connection_kwargs, "host": host, "port": port}
        other = self.library.ConnectionPool(
            connection_class=pool.connection_class, max_connections=pool.max_connections, **options
        )
        return _raw(self.library.Redis.from_pool(other))

    async def send(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go; where Redis answers one with an error, that is its reply."""
        if len(commands) > 1:
            pipeline = client.pipeline(transaction=False)
            for each in commands:
                pipeline.execute_command(*each.words)
            return await pipeline.execute(raise_on_error=False)
        try:
            return [await client.execute_command(*each.words) for each in commands]
        except self.errors.ResponseError as error:
            return [error]


def _abrupt(kind: Any) -> Any:
    """Give a kind of connection that ends at once, whatever it has still to send.

    Else what a cancelled call wrote to a server that stands still would stay in memory, with its socket, and be sent
    when the server goes on.
    """

    class AbruptConnection(kind):
        async def disconnect(self, *args: Any, **options: Any) -> None:
            if self._writer is not None:
                self._writer.transport.abort()
            await kind.disconnect(self, *args, **options)

    return AbruptConnection


def _raw(client: Any) -> Any:
    """Leave entries as Redis sends them: making dictionaries of a thousand costs more than reading them."""
    for name in ("XRANGE", "XREVRANGE"):
        client.set_response_callback(name, _as_it_is)
    return client


def _as_it_is(reply: Any) -> Any:
    return reply
