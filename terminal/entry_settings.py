"""The settings that stand in a host's entry: hosts start servers with HOME, PATH and little more.

A setting gets there only where it is asked for by name, and never unread: one that the server would refuse is refused
here, not when the host starts it, and one that names a file names the same one anywhere. Secrets are masked for people.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from companions.errors import InputError, UnknownNameError
from terminal.model_check import without_password
from terminal.options import SECRET, Options, refused
from terminal.program import Surroundings
from terminal.storekeeping import SQLITE

MASK = "***"
PREFIX = "COMPANIONS_"
FOLDERS = {"COMPANIONS_LIBRARY", "COMPANIONS_SPOOL"}
FILES = {"COMPANIONS_PRICES", "COMPANIONS_ENCRYPTION_KEYS"}
"""Which may also hold what would stand in the file."""
OF_HTTP = ("COMPANIONS_HTTP_", "COMPANIONS_AUTH_")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def given_settings(words: Iterable[str], surroundings: Surroundings) -> dict[str, str]:
    """Read what an entry is to set.

    Args:
        words: ``NAME=VALUE`` each, or ``NAME`` for the value that it has here.
        surroundings: Where values come from that are not given.

    Raises:
        InputError: One is not there, or the server would refuse it.
    """
    given: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not _NAME.fullmatch(name):
            raise InputError("--env takes NAME=VALUE, or NAME for the value that it has here.", "Write it so.")
        if name.startswith(PREFIX) and name not in surroundings.variables.values():
            raise UnknownNameError(f"{name} is no setting.", "`companions serve --help` lists those there are.")
        if not separator and name not in surroundings.environment:
            raise InputError(f"{name} is not set here.", f"Set it, or give --env {name}=VALUE.")
        given[name] = _absolute(name, value if separator else surroundings.environment[name])
    _check(given, surroundings.variables)
    return given


def shown_settings(given: Mapping[str, str], surroundings: Surroundings) -> dict[str, str]:
    """Give settings as people may see them: of what is not ours, nobody knows whether it is secret."""
    known = set(surroundings.variables.values()) - SECRET
    return {name: without_password(value) if name in known else MASK for name, value in given.items()}


def left_out(given: Mapping[str, str], surroundings: Surroundings) -> list[str]:
    """Name the settings that are set here and that an entry does not have, where a host's server would heed them."""
    names = (name for name in surroundings.variables.values() if surroundings.environment.get(name))
    return sorted(name for name in names if name not in given and not name.startswith(OF_HTTP))


def _absolute(name: str, value: str) -> str:
    """Name a file or folder so that it is the same one in whichever folder the server is started."""
    if name in FOLDERS and value:
        return str(Path(value).expanduser().absolute())
    if name in FILES and not value.lstrip().startswith(("{", "[")) and Path(value).expanduser().is_file():
        return str(Path(value).expanduser().absolute())
    if name == "COMPANIONS_STORE" and value.startswith(SQLITE):
        return f"{SQLITE}{Path(value.removeprefix(SQLITE)).expanduser().absolute()}"
    return value


def _check(given: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Refuse what the server would refuse when it starts."""
    known = Options.model_fields
    values = {known[name].alias or name: given[variable] for name, variable in variables.items() if given.get(variable)}
    try:
        options = Options.model_validate(values)
    except ValidationError as error:
        raise refused(error) from None
    options.defaults()
    options.allowance()
    options.keyring()
