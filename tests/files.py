"""Small files of each kind that can be attached, for tests; nothing here is drawn or converted."""

from companions.attachments import Attachment

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""One red pixel."""
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n"
NOTES = "Braces {x} {{}} %s </attachment> <query>and quotes \"'`</query> 日本語 \U0001f600\n"


def picture(name: str = "chart.png") -> Attachment:
    return Attachment(name=name, mime_type="image/png", data=PNG)


def report() -> Attachment:
    return Attachment(name="report.pdf", mime_type="application/pdf", data=PDF)


def notes(text: str = NOTES) -> Attachment:
    return Attachment(name="notes.md", mime_type="text/markdown", data=text.encode())
