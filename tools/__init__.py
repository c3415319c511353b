"""What a model calls: tools that read arguments, hand them to sessions, and tell the answer in both channels."""
