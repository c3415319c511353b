"""Companions: thinkers that draft, critique and revise. They know no MCP, no store and no environment."""
