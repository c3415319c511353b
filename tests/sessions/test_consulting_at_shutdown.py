"""What a consultation's call is told while the program ends."""

import asyncio

from companions.errors import StoreError
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.consulted import THREE, consult, statuses
from tests.sessions.faults import OWNER, Fault, Process, until
from tests.sessions.left_loops import only_session
from tests.sessions.own_companions import Named, Open

pytest_plugins = ("tests.sessions.own_companion_fixtures",)


async def test_an_end_of_the_program_waits_for_no_model_though_one_contributor_is_done(opened: Open) -> None:
    models = Named()
    models.say(one="Soon.", slow="Late.")
    soon, late = models.models["one"], models.models["slow"]
    soon.gate.close()
    late.gate.close()
    process = await opened("model: one\n", models, model="slow")
    waiting = asyncio.create_task(consult(process, query="Q?", companion_types=("own", "generic")))
    await until(lambda: len(soon.tasks) == len(late.tasks) == 1)
    soon.gate.open()
    session = await process.calls.desk.sessions.find(OWNER, await only_session(process))
    await until(lambda: session.awake["own"].companion.phase == "critique")
    try:
        async with asyncio.timeout(5):
            await process.calls.rest()
    finally:
        late.gate.open()
    told = await waiting
    assert (told.status, statuses(told)) == ("running", {"own": "done", "generic": "waiting"})


async def test_at_the_end_of_the_program_a_consultation_is_told_without_asking_the_store(sqlite: SQLiteStore) -> None:
    process = Process.on(sqlite, keeps=True, execution_mode="server")
    process.model.gate.close()
    waiting = asyncio.create_task(consult(process, query="Q?"))
    await until(lambda: len(process.model.tasks) == 3)
    process.store.breaks("head", *[Fault(StoreError("The store is let go of.", "Wait."))] * 9)
    await process.calls.rest()
    process.model.gate.open()
    told = await waiting
    assert (told.status, statuses(told)) == ("running", dict.fromkeys(THREE, "waiting"))
