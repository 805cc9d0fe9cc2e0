"""Lists of words as a person writes them."""


def word_set(text: str) -> frozenset[str]:
    """`word_set("at least most")` holds at, least and most."""
    return frozenset(text.split())
