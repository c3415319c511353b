"""What is attached to a query, for a caller that writes: beside the prompt, as its own model can be shown it.

It adds to a reply and decides nothing. What a prompt can hold as text stands in the prompt.
"""

from base64 import b64encode

from fastmcp.tools import ToolResult
from mcp_types import BlobResourceContents, ContentBlock, EmbeddedResource, ImageContent, ResourceLink, TextContent

from companions.attachments import Attachment
from sessions.answers import Answer

CARRIED = 700_000
"""Most bytes of attachments that one reply carries itself: hosts refuse results of a megabyte. Others are linked to."""
URI = "resource://sessions/{session_id}/attachments/{sha256}"


def with_attachments(result: ToolResult, answer: Answer) -> ToolResult:
    """Add what the caller needs to write: pictures and files, and where each can be read."""
    if not answer.attachments:
        return result
    blocks, said, room = list[ContentBlock](), list[str](), CARRIED
    for each in answer.attachments:
        uri = URI.format(session_id=answer.session_id, sha256=each.sha256)
        said.append(f"{each.name}: {uri}")
        fits = len(each.data) <= room
        room -= len(each.data) if fits else 0
        blocks.append(_block(each, uri) if fits else _link(each, uri))
    told = TextContent(type="text", text="\n".join(["Attached to the query:", *said]))
    body = (result.structured_content or {}) | {"attachments": said}
    return ToolResult(content=[*result.content, told, *blocks], structured_content=body)


def _block(attachment: Attachment, uri: str) -> ContentBlock:
    data = b64encode(attachment.data).decode()
    if attachment.kind == "image":
        return ImageContent(type="image", data=data, mime_type=attachment.mime_type)
    contents = BlobResourceContents(uri=uri, mime_type=attachment.mime_type, blob=data)
    return EmbeddedResource(type="resource", resource=contents)


def _link(attachment: Attachment, uri: str) -> ResourceLink:
    return ResourceLink(
        type="resource_link",
        name=attachment.name,
        uri=uri,
        mime_type=attachment.mime_type,
        size=len(attachment.data),
    )
