"""What is asked of a chat model, so that one which is not LangChain's can be asked like those that are.

It is a shape alone: asking is ``langchain_models``'s work.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol


class Chat(Protocol):
    """A LangChain chat model, or what answers in its place."""

    @property
    def profile(self) -> Mapping[str, Any] | None:
        """What is known of the model, by LangChain's names."""
        ...

    def astream(self, prompt: Any, /, **sent: Any) -> AsyncIterator[Any]:
        """Ask, and tell the answer in pieces that are named like those of LangChain's chunks."""
        ...

    def bind_tools(self, tools: Sequence[Any], /) -> object:
        """Give what carries, as ``kwargs``, the arguments of a call that offers the tools.

        Raises:
            NotImplementedError: It takes none.
        """
        ...
