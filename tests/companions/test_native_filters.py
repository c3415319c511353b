"""Native sessions behind filters: what the provider holds is what it was told, and not what is kept here."""

from collections.abc import Sequence

from companions.filters import FilteredModel, Named
from tests.companions.native_drafts import MODEL, SYSTEM, Open, draft, sent
from tests.provider.server import Provider

pytest_plugins = ("tests.provider.fixtures",)


class Redacting:
    def to_model(self, text: str) -> str:
        return text.replace("Ann", "[name]")

    def from_model(self, text: str) -> str:
        return text.replace("[name]", "Ann")


async def filters() -> Sequence[Named]:
    return [Named("redacting", Redacting())]


async def test_a_draft_goes_on_from_what_the_provider_was_told_behind_the_filters(
    provider: Provider, open_catalog: Open
) -> None:
    provider.queue("Dear [name].")
    model = FilteredModel(open_catalog().get(MODEL), filters)
    first = await model.write(draft("Ann one"))
    await model.write(draft("Ann two", [("Ann one", first.text)], first.meta["native"]))
    assert first.text == "Dear Ann."
    assert sent(provider)[1][1] == ["[name] two"]
    assert provider.exchanges[-1].prompt == [SYSTEM, "[name] one", "Dear [name].", "[name] two"]


async def test_a_response_that_was_told_what_a_filter_hides_by_now_is_not_gone_on_from(
    provider: Provider, open_catalog: Open
) -> None:
    provider.queue("Dear Ann.")
    plain = open_catalog().get(MODEL)
    first = await plain.write(draft("Ann one"))
    await FilteredModel(plain, filters).write(draft("Ann two", [("Ann one", first.text)], first.meta["native"]))
    assert sent(provider)[1] == (None, ["[name] one", "Dear [name].", "[name] two"])
