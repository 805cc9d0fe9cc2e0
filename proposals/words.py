"""Text of others as text: what a terminal, a log or a database would obey, or choke on, becomes a visible mark."""

MARK = "\ufffd"
_OBEYED = [
    *(code for code in range(0x20) if chr(code) not in "\t\n"),  # ESC and its like
    *range(0x7F, 0xA0),
    *range(0xD800, 0xE000),  # halves of a pair: no text, and no UTF-8
    *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),  # reading direction
]
_HARMLESS = dict.fromkeys(_OBEYED, MARK)


def harmless(text: str) -> str:
    """The same words; each control character but tab and line feed, each half of a surrogate pair and each change of
    the reading direction is U+FFFD."""
    return text.replace("\r\n", "\n").translate(_HARMLESS)


def without_password(url: str) -> str:
    """An URL as it may be shown: no password before the host, and no options, which can hold one too."""
    head, scheme, rest = url.partition("://")
    if not scheme:
        return url
    authority, at, place = rest.rpartition("@")
    user, colon, _ = authority.partition(":")
    return f"{head}://{user}{':***' if colon else ''}{at}{place.partition('?')[0]}"


def has_password(url: str) -> bool:
    """Whether an SQLAlchemy URL holds more than where the database is: a password, or options, which can be one."""
    return url != without_password(url)
