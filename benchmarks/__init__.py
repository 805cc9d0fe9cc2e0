"""Commands that print the figures quoted in README and docs. None of them is a test."""
