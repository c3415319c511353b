"""What an outage came to: counts to print, and lines for all that must not be.

It reads the log of a load against the moments at which the store went and came back; how it went is not known here.
"""

from dataclasses import dataclass, field

from tests.survival.checker import Findings
from tests.survival.lines import Log

DEADLINE_SECONDS = 2.0
"""After which no call waits for a store."""
MARGIN_SECONDS = 1.0
"""For the step itself, on a machine that is busy with the clients and two servers."""
NOTICE_SECONDS = DEADLINE_SECONDS + 0.25
"""After which a server must know that its store is away."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of an outage.

    Attributes:
        margin_seconds: What a call may take beside its wait for the store.
        calls: Those of the load.
        answered: Steps of the load, each with its number.
        during: Calls that began and ended while the store was away.
        told: Those of them that were answered and said so.
        untold: Those of them that were answered and did not say so, although the server must have known.
        turned_down: Calls for sessions that their server had not in memory, which said that the store is away.
        late: How long each call took, from the outage on, that took longer than it may.
        longest: The longest of them, in seconds.
        drained: Seconds from the store's return until answers no longer said that it is away.
        faults: Calls that failed, and what else was not as it must be.
    """

    margin_seconds: float = MARGIN_SECONDS
    calls: int = 0
    answered: int = 0
    during: int = 0
    told: int = 0
    untold: int = 0
    turned_down: int = 0
    late: list[str] = field(default_factory=list[str])
    longest: float = 0.0
    drained: float = 0.0
    faults: list[str] = field(default_factory=list[str])
    findings: Findings = field(default_factory=Findings)

    @property
    def wrong(self) -> list[str]:
        """All that must not be, in lines."""
        untold = [f"untold: {self.untold} answers did not say that the store was away"] if self.untold else []
        return self.findings.lines() + self.faults + self.late + untold

    def time(self, what: str, seconds: float) -> None:
        """Hold a call to the time that it may take."""
        self.longest = max(self.longest, seconds)
        if seconds > DEADLINE_SECONDS + self.margin_seconds:
            self.late.append(f"late: {what} took {seconds:.2f} s")

    def count(self, log: Log, *, gone: float, back: float, away: bool) -> None:
        """Count what a load saw.

        Args:
            log: All of it.
            gone: When the store had been taken away, by the monotonic clock.
            back: When it began to be brought back.
            away: Whether it was away in between at all.
        """
        since = [call for call in log.calls if call.ended >= gone]
        for call in since:
            self.time(call.tool, call.seconds)
        during = [call for call in since if gone <= call.began and call.ended <= back]
        answered = [call for call in during if not call.error]
        self.calls, self.answered, self.during = len(log.calls), len(log.answered), len(during)
        self.told = sum(call.away for call in answered)
        self.turned_down = sum(call.away for call in log.calls if call.expected)
        if away:
            self.untold = sum(call.began > gone + NOTICE_SECONDS and not call.away for call in answered)
        self.faults += log.faults
