"""The one tree of errors; surfaces turn it into their own wire, nobody else words an error.

CompanionsError
+-- InputError               the caller can mend it by calling differently
|   +-- PhaseError           this step is not possible in this phase
|   |   +-- SlotLeftError    another question was put meanwhile
|   +-- UnknownNameError     no such companion type, model or part
|   +-- SessionNotFoundError no such session, or another owner's: told alike
+-- ScopeError               the caller may not do that
|   +-- RoleError            not in this session, in which they take part
+-- BudgetError              the next call of a model would cost more than is allowed
+-- ModelError               the model did not write
|   +-- FilterError          a filter between us and it failed
|   +-- ToolsRefusedError    it cannot be asked with tools; it is asked without
|   +-- ModelTimeoutError    it went past its bound
|   +-- ModelReplyError      it answered with nothing usable
|       +-- ReplyLengthError its reply was cut at a limit
|       +-- ToolCallError    it called a tool, and how cannot be read; it is asked without tools
+-- StoreError               the store did not answer or refused
    +-- StoreAwayError       it cannot be reached, or does not answer in time
    +-- StoreVersionError    it was written by a newer version
    +-- UnopenedError        something in it is sealed, and does not open with the keys that there are
    +-- ConflictError        another process wrote first
"""

from typing import Literal, Self

Outage = Literal["away", "missing"]


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

    def with_remedy(self, remedy: str) -> Self:
        """Give the same error with another sentence of what to do; whatever else it carries stays."""
        same = type(self).__new__(type(self))
        same.__dict__ |= self.__dict__ | {"remedy": remedy}
        same.args = (f"{self.what} {remedy}".strip(),)
        return same


class InputError(CompanionsError):
    """The call cannot be carried out as it was made."""

    code = "invalid_input"


class PhaseError(InputError):
    """The step is not possible in the companion's phase."""

    code = "wrong_phase"


class SlotLeftError(PhaseError):
    """The step is for a slot that is not the companion's newest any more."""


class UnknownNameError(InputError):
    """A name that nothing has."""

    code = "unknown_name"


class SessionNotFoundError(InputError):
    """No session of this owner has that id."""

    code = "unknown_session"


class ScopeError(CompanionsError):
    """The caller may not do that."""

    code = "missing_scope"


class RoleError(ScopeError):
    """The caller takes part in the session, and may not do that in it."""

    code = "missing_role"


class BudgetError(CompanionsError):
    """The next call of a model would cost more than is allowed; it was not made.

    Attributes:
        scope: What is limited: ``loop``, ``session`` or ``owner_day``.
        unit: ``tokens``, or the currency of the prices.
        spent: What has been spent so far; ``None`` where that cannot be told, for want of a price.
        estimate: What the next call is estimated at; likewise.
        limit: What may be spent.
    """

    code = "budget"

    def __init__(
        self,
        what: str,
        remedy: str,
        *,
        scope: str = "",
        unit: str = "",
        spent: float | None = None,
        estimate: float | None = None,
        limit: float | None = None,
    ) -> None:
        super().__init__(what, remedy)
        self.scope = scope
        self.unit = unit
        self.spent = spent
        self.estimate = estimate
        self.limit = limit


class ModelError(CompanionsError):
    """The model could not be asked, or failed.

    Attributes:
        outage: What another model may do better: this one is ``away`` for now (not reached, overloaded, refusing us,
            cut off), or ``missing``, since its provider does not know it; ``None`` where another would hardly.
        retries: How often its client asked again before it gave up; ``None`` where that is not counted.
    """

    code = "model_failed"
    outage: Outage | None = None
    retries: int | None = None

    def __init__(self, what: str, remedy: str, *, outage: Outage | None = None) -> None:
        super().__init__(what, remedy)
        if outage is not None:
            self.outage = outage


class FilterError(ModelError):
    """A filter around the model cannot be applied; nothing passes it."""

    code = "filter_failed"


class ToolsRefusedError(ModelError):
    """The model cannot be asked with tools; without them it may write.

    Attributes:
        status: What its provider answered, of HTTP; ``None`` where that need not be asked.
    """

    def __init__(self, what: str, remedy: str, *, status: int | None = None) -> None:
        super().__init__(what, remedy)
        self.status = status


class ModelTimeoutError(ModelError):
    """The model went past its bound."""

    code = "model_timeout"
    outage = "away"


class ModelReplyError(ModelError):
    """The model answered with nothing that can be used."""

    code = "model_reply"


class ReplyLengthError(ModelReplyError):
    """The reply was cut at the most tokens that it might have."""


class ToolCallError(ModelReplyError):
    """The model called a tool, and what it called cannot be read."""


class StoreError(CompanionsError):
    """The store did not answer, or refused."""

    code = "store_failed"


class StoreAwayError(StoreError):
    """The store cannot be reached, or does not answer in time; the same call may go through later."""

    code = "store_away"


class StoreVersionError(StoreError):
    """The store's schema is newer than this program."""

    code = "store_newer"


class UnopenedError(StoreError):
    """Something is sealed and does not open: the key is missing or another, or it was changed or moved."""

    code = "store_sealed"


class ConflictError(StoreError):
    """Another process wrote to the session first."""

    code = "conflict"
