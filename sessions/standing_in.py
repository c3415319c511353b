"""Which models stand in for one that is down, each with its tools and paid from what the step may spend.

When the next is asked is ``companions.falling_back``'s to say; what may be spent is ``allowance``'s.
"""

from companions.configuration import Configuration
from companions.falling_back import InOrder, Outages
from companions.model_catalog import OFFLINE
from companions.models import Model, Sampling
from companions.tool_use import ToolRefusals, ToolUser
from companions.writing import Choose
from sessions.allowance import Spending
from sessions.usage import COST, ESTIMATED

PER_CALL = frozenset({COST, ESTIMATED})


def in_order(
    choose: Choose,
    spending: Spending,
    configuration: Configuration,
    call: Sampling,
    outages: Outages,
    *,
    refusals: ToolRefusals,
) -> Choose:
    """Give the same models, each asked as far as there is something to spend, and its fallbacks where it is down.

    Args:
        choose: Gives each of them.
        spending: What all of them are paid from.
        configuration: Names the fallbacks.
        call: What the call asked for itself.
        outages: What is known of all models.
        refusals: Which of them take no tools for now.
    """

    def get(name: str | None) -> Model:
        first = choose(name)
        if first.name == OFFLINE:
            return first
        models = {each.name: each for each in (first, *map(choose, configuration.fallback_models))}
        paid = [
            ToolUser(model=spending.model(each), each=PER_CALL, drop=spending.drop, refusals=refusals)
            for each in models.values()
        ]
        return paid[0] if len(paid) == 1 else InOrder(models=paid, outages=outages, insisted=call.model is not None)

    return get
