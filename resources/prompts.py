"""The prompts that hosts show as commands. Arguments are plain ``str``: anything else is shown with a schema note."""

from dataclasses import dataclass

from fastmcp import FastMCP


@dataclass(frozen=True, slots=True)
class Prompts:
    """Three ways to begin, put into a person's hands."""

    def register(self, mcp: FastMCP) -> None:
        """Add the prompts to a server."""
        for prompt in (self.refine_this, self.continue_session, self.compare_versions):
            mcp.prompt(prompt)

    def refine_this(self, text: str, companion_type: str = "generic") -> str:
        """Have a question or a text thought through: drafted, critiqued and revised until it stands.

        Args:
            text: The question to think through, or the text to improve.
            companion_type: Who thinks: generic, marketing, bug_triage, strategy or guide.
        """
        return (
            f"Think this through with the companions tools. Call draft with companion_type {companion_type!r} and the "
            "text below as its query, then do what each reply's next says, writing the steps yourself when a reply "
            "asks for it, until next names no tool. Then show me the answer and say why the loop ended.\n\n" + text
        )

    def continue_session(self, session_id: str) -> str:
        """Go on with an earlier session.

        Args:
            session_id: The session to go on with.
        """
        return (
            f"Go on with the companions session {session_id}. Call show_thinking with that session_id and part "
            "'answer', tell me in a few sentences what we concluded and how, then ask what I want to add."
        )

    def compare_versions(self, session_id: str) -> str:
        """Show how the thinking of a session changed from version to version.

        Args:
            session_id: The session whose versions to compare.
        """
        return (
            f"Call show_thinking for the companions session {session_id} with part 'transcript', then with part "
            "'convergence_analysis'. Tell me what changed from version to version, which critique caused it, and "
            "whether the later version is really the better one."
        )
