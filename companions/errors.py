"""The one tree of errors; surfaces turn it into their own wire, nobody else words an error.

CompanionsError
+-- InputError               the caller can mend it by calling differently
|   +-- PhaseError           this step is not possible in this phase
|   +-- UnknownNameError     no such companion type, model or part
|   +-- SessionNotFoundError no such session, or another owner's: told alike
+-- ModelError               the model did not write
|   +-- ModelTimeoutError    it went past its bound
|   +-- ModelReplyError      it answered with nothing usable
+-- StoreError               the store did not answer or refused
    +-- StoreAwayError       it cannot be reached, or does not answer in time
    +-- StoreVersionError    it was written by a newer version
    +-- ConflictError        another process wrote first
"""


class CompanionsError(Exception):
    """Something went wrong that a person can be told: what, and what to do.

    Attributes:
        what: One sentence of what is wrong, without a final period's worth of library text.
        remedy: One sentence of what to do.
        code: A stable, lower-case name for programs.
    """

    code = "error"

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class InputError(CompanionsError):
    """The call cannot be carried out as it was made."""

    code = "invalid_input"


class PhaseError(InputError):
    """The step is not possible in the companion's phase."""

    code = "wrong_phase"


class UnknownNameError(InputError):
    """A name that nothing has."""

    code = "unknown_name"


class SessionNotFoundError(InputError):
    """No session of this owner has that id."""

    code = "unknown_session"


class ModelError(CompanionsError):
    """The model could not be asked, or failed."""

    code = "model_failed"


class ModelTimeoutError(ModelError):
    """The model went past its bound."""

    code = "model_timeout"


class ModelReplyError(ModelError):
    """The model answered with nothing that can be used."""

    code = "model_reply"


class StoreError(CompanionsError):
    """The store did not answer, or refused."""

    code = "store_failed"


class StoreAwayError(StoreError):
    """The store cannot be reached, or does not answer in time; the same call may go through later."""

    code = "store_away"


class StoreVersionError(StoreError):
    """The store's schema is newer than this program."""

    code = "store_newer"


class ConflictError(StoreError):
    """Another process wrote to the session first."""

    code = "conflict"
