"""A companion as a node of a LangGraph graph, as it stands; without a key, since the offline editor writes.

With a model: ``MarketingCompanion(ChatOpenAI(model="gpt-5-mini"))``, or any other LangChain chat model.
"""

from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from companions import MarketingCompanion

companion = MarketingCompanion("offline")

graph = StateGraph(MessagesState)
graph.add_node("think", companion)
graph.add_edge(START, "think")
graph.add_edge("think", END)

question = HumanMessage("Our launch has one price for each and every user.")
state = graph.compile().invoke({"messages": [question]})
print(state["messages"][-1].text)
print(companion.last)
