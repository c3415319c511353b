"""Where entries are kept: one package a kind of store, and what all of them share."""
