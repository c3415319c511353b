"""Sessions: opened, kept, shared and closed; everything that happens in one is an entry in a store."""
