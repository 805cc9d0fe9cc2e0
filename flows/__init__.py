"""The story from top to bottom: the flow of one proposal, serving all of them, and the command line."""
