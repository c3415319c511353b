"""The words of the commands that keep a store in order: their options and their help. What they do stands elsewhere."""

import argparse
from collections.abc import Callable

from terminal.values import age


def add_storekeeping(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add them all."""
    prune = add("prune", help="delete sessions that were not used for long")
    prune.add_argument(
        "--delete", metavar="AGE", type=age, help="unused for this long, like 90d (default: COMPANIONS_RETENTION)"
    )
    prune.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
    copy = add("copy", help="copy every session of a store into another, and compare them")
    copy.add_argument("--from", dest="source", metavar="URL", required=True, help="the store that is read")
    copy.add_argument("--to", dest="target", metavar="URL", required=True, help="the store that is written")
    backup = add("backup", help="write an SQLite store to a file, also while it is in use")
    backup.add_argument("file", metavar="FILE")
    add("new-key", help="make a key for COMPANIONS_ENCRYPTION_KEYS")
    rotate = add("rotate-keys", help="seal the whole store with the first of COMPANIONS_ENCRYPTION_KEYS")
    rotate.add_argument("--give-up", metavar="ID", help="use the store without a key that is lost")
