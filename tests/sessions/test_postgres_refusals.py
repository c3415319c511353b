"""What a PostgreSQL server refuses, how that is told, and what a URL may say."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from companions.errors import StoreAwayError, StoreError
from sessions.stores.postgres.store import PostgresStore
from tests.servers.postgres_server import PostgresServer, run
from tests.sessions.building import Story, one

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'companions'"
ODD = "p@ss/w:rd?#%&=é "
ENCODED = "p%40ss%2Fw%3Ard%3F%23%25%26%3D%C3%A9%20"
REFUSALS: dict[str, tuple[Callable[[str], str], str]] = {
    "no such user": (lambda url: url.replace("postgres@", "nobody:secret@"), "refused the login"),
    "no such database": (lambda url: f"{url}_not", "no database of that name"),
    "unknown parameter": (lambda url: f"{url}?channel_binding=require", "does not know a parameter"),
    "unknown ssl mode": (lambda url: f"{url}?sslmode=perhaps", "does not understand the URL"),
    "no encryption": (lambda url: f"{url}?sslmode=require", "does not answer"),
    "second of two hosts": (
        lambda url: url.replace("@127.0.0.1:", "@127.0.0.1:9,127.0.0.1:") + "_not",
        "no database of that name",
    ),
    "no port": (lambda url: url.replace("127.0.0.1:", "127.0.0.1:port"), "does not understand the URL"),
}


@pytest.fixture
async def postgres(own_postgres_url: str) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(own_postgres_url)
    yield made
    await made.close()


async def told(url: str) -> StoreError:
    """Give the error of a first call."""
    store = PostgresStore(url)
    try:
        with pytest.raises(StoreError) as raised:
            await store.head("s1")
    finally:
        await store.close()
    return raised.value


async def test_a_login_is_made_with_a_password_of_odd_characters_and_none_is_told(
    own_postgres: PostgresServer, own_postgres_url: str
) -> None:
    await asyncio.to_thread(run, own_postgres_url, f"CREATE ROLE odd LOGIN SUPERUSER PASSWORD '{ODD}'")
    rules = own_postgres.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all odd 127.0.0.1/32 scram-sha-256\n{before}")
    await asyncio.to_thread(run, own_postgres_url, "SELECT pg_reload_conf()")
    store = PostgresStore(own_postgres_url.replace("postgres@", f"odd:{ENCODED}@"))
    await Story(store).write()
    await store.close()
    for password in ("wrong", "wr@ng", "wr/ng", "wr%2Fong"):
        error = await told(own_postgres_url.replace("postgres@", f"odd:{password}@"))
        assert not isinstance(error, StoreAwayError) or "@" in password or "/" in password
        assert "wr" not in str(error)
    assert "refused the login" in str(await told(own_postgres_url.replace("postgres@", "odd:wrong@")))
    rules.write_text(before)
    await asyncio.to_thread(run, own_postgres_url, "SELECT pg_reload_conf()")


@pytest.mark.parametrize(("change", "what"), REFUSALS.values(), ids=REFUSALS)
async def test_what_a_server_refuses_is_told_in_our_words(
    own_postgres_url: str, change: Callable[[str], str], what: str
) -> None:
    error = await told(change(own_postgres_url))
    assert what in str(error)
    assert "secret" not in str(error)
    assert str(error).count(".") >= 2
    assert "postgresql://" not in str(error)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_a_url_may_name_the_driver_or_several_hosts(own_postgres_url: str, scheme: str) -> None:
    _, _, rest = own_postgres_url.partition("://")
    several = f"{scheme}://{rest}".replace("@127.0.0.1:", "@127.0.0.1:9,127.0.0.1:")
    store = PostgresStore(f"{several}?sslmode=prefer&application_name=companions&target_session_attrs=any")
    await Story(store).write()
    assert await asyncio.to_thread(run, own_postgres_url, SESSIONS) == "1"
    await store.close()


async def test_a_database_that_may_not_be_written_can_still_be_read(
    postgres: PostgresStore, own_postgres_url: str
) -> None:
    story = Story(postgres)
    await story.write()
    await asyncio.to_thread(run, own_postgres_url, "ALTER DATABASE own SET default_transaction_read_only = on")
    reading = PostgresStore(own_postgres_url)
    assert await reading.page("s1") == story.entries
    with pytest.raises(StoreError, match="read-only") as raised:
        await one(reading, Story(reading, entries=story.entries).append())
    assert not isinstance(raised.value, StoreAwayError)
    await reading.close()


async def test_a_server_with_no_connection_left_is_away(own_postgres_url: str) -> None:
    limited = "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 0; GRANT ALL ON SCHEMA public TO few"
    await asyncio.to_thread(run, own_postgres_url, limited)
    assert isinstance(await told(own_postgres_url.replace("postgres@", "few@")), StoreAwayError)
