"""A companion from Python, without a key: the rule-based editor improves a text until nothing is left to replace.

With a model: ``StrategyCompanion(ChatOpenAI(model="gpt-5-mini"))``, or any other LangChain chat model.
"""

from companions import StrategyCompanion

companion = StrategyCompanion("offline", max_loops=4)
answer = companion("Each and every step is kept, past history included, at this point in time.")

print(answer)
print(companion.last)
for slot in companion.run_log:
    print(len(slot["critique"]), "critiques,", len(slot["revision"]), "revisions:", slot["stop_reason"])
