"""The server's instructions: the only prose that some hosts' models see before they pick a tool."""

INSTRUCTIONS = """\
Companions think a question through in a loop and remember it. Use them for anything worth more than a first answer.
refine(query) runs the whole loop and gives the best version. consult(query) asks several companions. Or by steps:
draft(query) opens a session and gives its session_id; critique(session_id); revise(session_id); repeat those two until
next.tool is null, then give the person the answer. Do what next says. When status is "write", you write: follow
instructions, then call the same tool again with next.arguments and your text; in a critique set satisfied=true when
nothing is left to improve. status "running": call the same tool again. companion_type: generic, strategy, marketing,
bug_triage, guide. show_thinking reads a session (part="answer"); list_sessions finds earlier ones."""
