"""How rows are shown: cut to a terminal's width under a heading, whole and without one to a pipe."""

from collections.abc import Sequence

from rich.text import Text

from terminal.screen import Screen, harmless

MOST_WIDE = 24
"""Characters of a column, but of the one that takes what is left."""
GAP = "  "


def tell_table(screen: Screen, heading: Sequence[str], rows: Sequence[Sequence[str]], *, rest: int) -> None:
    """Give a row for each thing.

    Args:
        screen: Where to.
        heading: The names of the columns.
        rows: As many cells each as the heading has.
        rest: The column that takes what the others leave of the screen's width.
    """
    if screen.piped:
        screen.result("\n".join(GAP.join(row) for row in rows))
        return
    lines = [[Text(harmless(cell)) for cell in row] for row in (heading, *rows)]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    widths = [width if place == rest else min(width, MOST_WIDE) for place, width in enumerate(widths)]
    left = screen.people.width - sum(widths) + widths[rest] - len(GAP) * (len(widths) - 1)
    widths[rest] = max(min(widths[rest], left), len(heading[rest]))
    for number, cells in enumerate(lines):
        for cell, width in zip(cells, widths, strict=True):
            cell.truncate(width, overflow="ellipsis", pad=True)
        line = Text(GAP, style="" if number else "dim").join(cells)
        line.rstrip()
        screen.people.print(line, no_wrap=True, overflow="ellipsis")
