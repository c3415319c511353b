"""Our server, with the tools, resources and prompts mounted that the conformance suite calls by name.

It adds what the suite looks for and nothing else: the protocol, the middleware and the transport are the product's.
Run as ``python tests/interop/fixture_server.py PORT``; settings come from the environment, as for the server itself.
"""

import sys
from functools import partial
from typing import Any

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.prompts import Message, PromptResult
from fastmcp.resources import ResourceContent, ResourceResult
from fastmcp.tools import FunctionTool, ToolResult
from mcp_types import AudioContent, EmbeddedResource, ImageContent, TextContent, TextResourceContents

import server
from middleware.guarded_server import check_address
from terminal.program import Http
from terminal.serving import log_to_stderr, serve_http

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

text = TextContent(type="text", text="This is a simple text response for testing.")
image = ImageContent(type="image", data=PNG, mime_type="image/png")
audio = AudioContent(type="audio", data=WAV, mime_type="audio/wav")


def embedded(uri: str, words: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words))


def add_tools(mcp: FastMCP) -> None:
    @mcp.tool(output_schema=None)
    async def test_simple_text() -> ToolResult:
        """Return text."""
        return ToolResult(content=[text])

    @mcp.tool(output_schema=None)
    async def test_image_content() -> ToolResult:
        """Return an image."""
        return ToolResult(content=[image])

    @mcp.tool(output_schema=None)
    async def test_audio_content() -> ToolResult:
        """Return audio."""
        return ToolResult(content=[audio])

    @mcp.tool(output_schema=None)
    async def test_embedded_resource() -> ToolResult:
        """Return a resource."""
        return ToolResult(content=[embedded("test://embedded-resource", "This is an embedded resource content.")])

    @mcp.tool(output_schema=None)
    async def test_multiple_content_types() -> ToolResult:
        """Return text, an image and a resource."""
        body = embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
        return ToolResult(content=[text, image, body])

    @mcp.tool(output_schema=None)
    async def test_error_handling() -> ToolResult:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")


def add_talking_tools(mcp: FastMCP) -> None:
    @mcp.tool(output_schema=None)
    async def test_tool_with_logging(ctx: Context) -> ToolResult:
        """Log three times."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(line)
        return ToolResult(content=[text])

    @mcp.tool(output_schema=None)
    async def test_tool_with_progress(ctx: Context) -> ToolResult:
        """Report progress three times."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress=progress, total=100)
        return ToolResult(content=[text])

    async def json_schema_2020_12_tool() -> str:
        """Have a schema with every keyword."""
        return "ok"

    tool = FunctionTool.from_function(json_schema_2020_12_tool, output_schema=None)
    mcp.add_tool(tool.model_copy(update={"parameters": SCHEMA_2020_12}))


def add_resources(mcp: FastMCP) -> None:
    @mcp.resource("test://static-text", mime_type="text/plain")
    async def static_text() -> str:
        """Give text."""
        return "This is the content of the static text resource."

    @mcp.resource("test://static-binary", mime_type="image/png")
    async def static_binary() -> bytes:
        """Give bytes."""
        return b"\x89PNG\r\n\x1a\n"

    @mcp.resource("test://watched-resource")
    async def watched() -> str:
        """Give what clients subscribe to."""
        return "This is the content of the watched resource."

    @mcp.resource("test://template/{id}/data", mime_type="application/json")
    async def template(id: str) -> ResourceResult:  # noqa: A002 (the suite's own name)
        """Give what the address says."""
        body = {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}
        return ResourceResult(contents=[ResourceContent(content=body, mime_type="application/json")])


def add_prompts(mcp: FastMCP) -> None:
    @mcp.prompt
    async def test_simple_prompt() -> str:
        """Give a prompt."""
        return "This is a simple prompt for testing."

    @mcp.prompt
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Give a prompt with arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @mcp.prompt
    async def test_prompt_with_embedded_resource(resourceUri: str) -> PromptResult:  # noqa: N803 (the suite's own name)
        """Give a prompt with a resource."""
        body = embedded(resourceUri, "Embedded resource content for testing.")
        return PromptResult(messages=[Message(body), Message("Please process the embedded resource above.")])

    @mcp.prompt
    async def test_prompt_with_image() -> PromptResult:
        """Give a prompt with an image."""
        return PromptResult(messages=[Message(image), Message("Please analyze the image above.")])


def main(port: int) -> None:
    wired = server.Wired.of(server.Settings())
    mcp = wired.server()
    for add in (add_tools, add_talking_tools, add_resources, add_prompts):
        add(mcp)
    log_to_stderr("INFO")
    check = partial(check_address, authenticated=False)
    serve_http(mcp, wired.lifetime.drain, host="127.0.0.1", port=port, how=Http(check_address=check))


if __name__ == "__main__":
    main(int(sys.argv[1]))
