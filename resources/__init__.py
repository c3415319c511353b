"""What a client reads: resources, the listing of live ones, completion of their arguments, and the prompts."""
