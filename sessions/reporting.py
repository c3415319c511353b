"""How long work on many sessions says how far it is; what is made of it is its caller's."""

from collections.abc import Callable

Report = Callable[[int, int], None]
"""Hears now and then two counts, of what each work says."""
