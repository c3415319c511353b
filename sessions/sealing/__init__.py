"""Encryption at rest: what a store and a spool hold of people's words, they hold sealed."""
