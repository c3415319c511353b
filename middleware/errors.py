"""The one table that turns our errors into the wire's; nothing else words an error for a client.

Only our own tree's messages, and our wording of malformed arguments, ever leave the process: a library's exception
text stays in the log.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import mcp_types as mt
from fastmcp.exceptions import NotFoundError, ToolError
from fastmcp.prompts.base import PromptResult
from fastmcp.resources.base import ResourceResult
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp import MCPError
from pydantic import ValidationError

from companions.errors import CompanionsError, InputError

log = logging.getLogger("companions.errors")
_Kind = TypeVar("_Kind", bound=Exception)
WATCHING = frozenset({"resources/subscribe", "resources/unsubscribe", "subscriptions/listen"})
"""Requests that name resources, whose errors are those of reading one."""
LONGEST_NAME = 200
"""Characters of a caller's own name for something that an error repeats."""

_WORDINGS = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "unexpected_keyword_argument": "is not an argument of this tool",
    "extra_forbidden": "is not known here",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


class Errors(Middleware):
    """Turns whatever a call raises into an error that says what is wrong and what to do."""

    def __init__(self, newest: Callable[[], Awaitable[str]]) -> None:
        """Take how to name the caller's newest sessions, for a call that lacks its ``session_id``."""
        self._newest = newest

    async def on_request(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        """Word what none of the hooks below has worded: listings and completions read sessions too."""
        try:
            return await call_next(context)
        except (MCPError, ToolError):
            raise
        except Exception as error:  # noqa: BLE001 (nothing may reach a client unworded)
            text = await self._worded(context.method or "the request", error)
            wrong = context.method in WATCHING and _in_chain(error, CompanionsError) is not None
            raise MCPError(code=mt.INVALID_PARAMS if wrong else mt.INTERNAL_ERROR, message=text) from None

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Answer a failed call with ``isError`` and one text."""
        try:
            return await call_next(context)
        except NotFoundError:
            name = context.message.name[:LONGEST_NAME]
            raise ToolError(f"There is no tool {name!r}. Use one of those that tools/list names.") from None
        except Exception as error:  # noqa: BLE001 (nothing may reach a client unworded)
            raise ToolError(await self._worded(context.message.name, error)) from None

    async def on_read_resource(
        self, context: MiddlewareContext[mt.ReadResourceRequestParams], call_next: CallNext[Any, ResourceResult]
    ) -> ResourceResult:
        """Answer a failed read with the protocol's error for parameters."""
        uri = str(context.message.uri)
        try:
            return await call_next(context)
        except MCPError:
            raise
        except NotFoundError:
            text = f"There is no resource {uri[:LONGEST_NAME]!r}. Use one that resources/list or its templates name."
            raise MCPError(code=mt.INVALID_PARAMS, message=text, data={"uri": uri}) from None
        except Exception as error:  # noqa: BLE001 (likewise)
            text = await self._worded(f"resource {uri[:LONGEST_NAME]!r}", error)
            raise MCPError(code=mt.INVALID_PARAMS, message=text, data={"uri": uri}) from None

    async def on_get_prompt(
        self, context: MiddlewareContext[mt.GetPromptRequestParams], call_next: CallNext[Any, PromptResult]
    ) -> PromptResult:
        """Answer a failed prompt with the protocol's error for parameters."""
        try:
            await _check_given(context)
            return await call_next(context)
        except MCPError:
            raise
        except NotFoundError:
            text = f"There is no prompt {context.message.name[:LONGEST_NAME]!r}. Use one that prompts/list names."
            raise MCPError(code=mt.INVALID_PARAMS, message=text) from None
        except Exception as error:  # noqa: BLE001 (likewise)
            text = await self._worded(f"prompt {context.message.name!r}", error)
            raise MCPError(code=mt.INVALID_PARAMS, message=text) from None

    async def _worded(self, name: str, error: Exception) -> str:
        own = _in_chain(error, CompanionsError)
        if own is not None:
            return str(own)
        malformed = _in_chain(error, ValidationError)
        if malformed is not None:
            return await self._malformed(name, malformed)
        log.error("%s failed unexpectedly", name, exc_info=error)
        return f"The server failed unexpectedly in {name}. Its log says more; call show_thinking to see what stands."

    async def _malformed(self, name: str, error: ValidationError) -> str:
        faults: list[str] = []
        remedy = "Nothing was done; call again with these corrected."
        for fault in error.errors(include_url=False, include_input=False)[:5]:
            where = ".".join(str(part) for part in fault["loc"]) or "the call"
            wording = _WORDINGS.get(fault["type"], "has a value that cannot be taken")
            told = {key: str(value) for key, value in fault.get("ctx", {}).items()}
            faults.append(f"{where[:100]} {wording.format_map(told)}")
            if fault["loc"] == ("session_id",) and fault["type"].startswith("missing"):
                remedy = f"Every step needs the session_id that draft answered. {await self._newest()}"
        return f"{name} was called with arguments that do not fit: {'; '.join(faults)}. {remedy}"


async def _check_given(context: MiddlewareContext[mt.GetPromptRequestParams]) -> None:
    """Refuse a call that lacks an argument of its prompt; FastMCP's own refusal says so in a text only."""
    name, given = context.message.name, context.message.arguments or {}
    server = context.fastmcp_context and context.fastmcp_context.fastmcp
    prompt = await server.get_prompt(name) if server else None
    known = (prompt and prompt.arguments) or []
    if lacking := [argument.name for argument in known if argument.required and argument.name not in given]:
        raise InputError(f"The prompt {name!r} lacks {' and '.join(lacking)}.", "Call it again with that given.")


def _in_chain(error: BaseException | None, kind: type[_Kind]) -> _Kind | None:
    """Find an error of a kind among an error and its causes."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__
    return None
