"""A companion from Python, without a key: the rule-based editor improves a text until nothing is left to replace.

With a model: ``StrategyCompanion(ChatOpenAI(model="gpt-5-mini"))``, or any other LangChain chat model.
"""

from companions import StrategyCompanion

companion = StrategyCompanion("offline", max_loops=4)
answer = companion("We should utilize a approach that is very unique, and each and every step is kept for later.")

print(answer)  # noqa: T201 - so is what follows: an example shows what it did
print(companion.last)  # noqa: T201
for slot in companion.run_log:
    print(len(slot["critique"]), "critiques,", len(slot["revision"]), "revisions:", slot["stop_reason"])  # noqa: T201
