"""What is told of a PostgreSQL server that fails: which of our errors a driver's is, in our own words.

It reads error classes and SQLSTATE codes, never a library's text, and nothing that is told holds a password.
"""

import re
import ssl
from urllib.parse import urlsplit

from companions.errors import StoreAwayError, StoreError

_AWAY = re.compile(r"08(?!P01)|40|57|53[23]|55P03")
"""SQLSTATE beginnings of what passes: lost, shutting down, starting up, timed out, crowded, in each other's way."""
_UNKEPT = "A value cannot be kept by PostgreSQL."
_USUAL = "Send names without NUL characters, and numbers below two thousand million."
_SETTING = "Look at the URL in COMPANIONS_STORE."
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    ("28", "{} refused the login.", "Look at the user and password in COMPANIONS_STORE."),
    ("3D000", "{} has no database of that name.", "Create it, or name another in COMPANIONS_STORE."),
    ("53100", "{} has no disk space left.", "Free some space on it and try again."),
    ("25006", "{} lets nobody write: it is read-only.", "Name the primary server in COMPANIONS_STORE."),
    ("42501", "{} does not let this user do that.", "Grant the user CREATE on the schema and its own tables."),
    ("42704", "{} does not know a parameter of the URL.", "Take out parameters that only libpq knows."),
    ("42P01", "{} has lost a table of this store.", "Put back a copy of the database, or name another."),
    ("3F000", "{} has no schema to keep tables in.", "Create one, or name it as search_path in the URL."),
    ("22", _UNKEPT, _USUAL),
)
"""SQLSTATE beginnings of what would fail again, what is said of them, and what to do."""


def server_of(url: str) -> str:
    """Name the server of a URL for a person: its address if that can be told apart from the password."""
    address = urlsplit(url).netloc
    # A password whose special characters are not encoded may begin a path, a query or a fragment.
    sure = url.count("@") == address.count("@") <= 1
    place = address.rpartition("@")[2]
    return f"The PostgreSQL server at {place}" if sure and place else "The PostgreSQL server"


def fault(error: Exception, server: str) -> StoreError:
    """Give our error for one of the driver's, of SQLAlchemy's or of the system's.

    Args:
        error: What was raised; its ``sqlstate``, if it or what it wraps has one, decides.
        server: As ``server_of`` gives it.
    """
    if isinstance(error, StoreError):
        return error
    driver = getattr(error, "driver_exception", None) or error
    if sqlstate := getattr(driver, "sqlstate", None):
        return _told(sqlstate, server)
    return _unnamed(driver, server)


def closed(server: str) -> StoreError:
    """Give the error of a store that was closed."""
    return StoreError(f"{server} is no longer in use: the store is closed.", "Start the server again to open it.")


def unreadable(server: str) -> StoreError:
    """Give the error of a URL that means no connection to the driver."""
    return StoreError(f"{server} cannot be asked: the driver does not understand the URL.", _SETTING)


def away(server: str) -> StoreAwayError:
    """Give the error of a server that cannot be reached now."""
    remedy = "Try again; if it goes on, look whether it runs where the URL in COMPANIONS_STORE says."
    return StoreAwayError(f"{server} does not answer.", remedy)


def _told(sqlstate: str, server: str) -> StoreError:
    if _AWAY.match(sqlstate):
        return away(server)
    for beginning, what, remedy in _REFUSALS:
        if sqlstate.startswith(beginning):
            return StoreError(what.format(server), remedy)
    return StoreError(f"{server} failed with code {sqlstate}.", "Look into its log, and try again.")


def _unnamed(error: BaseException, server: str) -> StoreError:
    """Tell of what never reached the server, or never came back."""
    match error:
        case ssl.SSLCertVerificationError():
            return StoreError(f"{server} shows a certificate that is not trusted.", _SETTING)
        case OSError():
            return away(server)
        case ValueError():
            return StoreError(_UNKEPT, _USUAL)
        case _:
            return StoreError(f"{server} cannot be used.", "Look into the log of this program, and try again.")
