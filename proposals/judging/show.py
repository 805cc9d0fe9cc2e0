"""Numbers as people read them: "91.3 %", "+65.4 pp", "12.1 ms", "1.6 MB". Judging itself never uses these."""

import math

_TIMES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1.0, "B"))
_RATES = ((1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1.0, "/s"))


def show(value: float | None, unit: str) -> str:
    """A measured value with its unit, to three or four digits; an en dash where there is none."""
    if value is None:
        return "–"
    match unit:
        case "fraction" | "share":
            return f"{100 * value:.1f} %"
        case "points":
            return f"{100 * value:+.1f} pp"
        case "seconds":
            return _scaled(value, _TIMES, "s")
        case "bytes":
            return _scaled(value, _SIZES, "B")
        case "per_second":
            return _scaled(value, _RATES, "/s")
        case "dollars":
            return f"{'-' if value < 0 else ''}${abs(value):,.2f}"
        case "ratio":
            return f"{_digits(value)}x"
        case "count":
            return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
        case "event":
            return "no" if value == 0 else "yes" if value == 1 else f"{value:,.0f} times"
        case _:
            return _digits(value)


def show_limit(value: float, unit: str) -> str:
    """A limit as its author would write it, with no digits that say nothing: "80 %", "5 pp", "1.3x"."""
    match unit:
        case "fraction" | "share":
            return f"{_plain(100 * value)} %"
        case "points":
            return f"{_plain(100 * value)} pp"
        case "ratio":
            return f"{_plain(value)}x"
        case "dollars":
            return f"{'-' if value < 0 else ''}${_plain(abs(value))}"
        case "seconds" if value == 0:
            return "0 s"
        case "bytes" if value == 0:
            return "0 B"
        case "seconds" | "bytes" | "per_second":
            table = {"seconds": _TIMES[2:], "bytes": _SIZES, "per_second": _RATES}[unit]
            fitting = [entry for entry in table if abs(value) >= entry[0]] or [table[-1]]
            return min((f"{_plain(value / size)} {name}" for size, name in fitting), key=len)
        case _:
            return _plain(value)


def show_interval(low: float | None, high: float | None, unit: str) -> str:
    """ "88.0 % to 94.1 %", or an en dash where the seeds give no interval."""
    return "–" if low is None or high is None else f"{show(low, unit)} to {show(high, unit)}"


def _scaled(value: float, table: tuple[tuple[float, str], ...], base: str) -> str:
    if value == 0:
        return f"0 {base}"
    for size, name in table:
        # a value that would round up to the next unit's 1 is shown there: 999.96 ms is 1.00 s
        if abs(value) >= size * 0.9995:
            return f"{_digits(value / size)} {name}"
    size, name = table[-1]
    return f"{_digits(value / size)} {name}"


def _digits(value: float) -> str:
    """Three digits: 12.1, 0.656, 3.90e-03, 41,440."""
    size = abs(value)
    if value == 0:
        return "0"
    if size < 1e-3 or size >= 1e7:
        return f"{value:.2e}"
    if size >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"


def _plain(value: float) -> str:
    """The shortest text within rounding: 80, 0.05, 1.3, 1e-06."""
    text = f"{value:.10g}"
    return f"{int(float(text)):,}" if "e" not in text and "." not in text else text
