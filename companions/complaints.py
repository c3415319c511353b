"""Complaints: what is wrong with a value that a companion's file gives, and where in it; the line is not known here."""

from typing import NamedTuple


class Complaint(NamedTuple):
    """Something wrong with a value.

    Attributes:
        path: The names and indexes that lead to it; empty for the value as a whole.
        what: One clause without a period.
    """

    path: tuple[str | int, ...]
    what: str

    def within(self, *places: str | int) -> "Complaint":
        """Give the complaint as one about the value that this one stands in."""
        return Complaint((*places, *self.path), self.what)
