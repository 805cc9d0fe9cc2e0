"""Do two canonical criteria say the same? They agree on many points, dense around their own numbers."""

import random
import re
from fractions import Fraction
from types import CodeType

_REF = re.compile(r'(?:"[^"]+"|[A-Za-z_]\w*)\.[A-Za-z_]\w*(?:\[(?:"[^"]*"|[^\]"])*\])?')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def same(left: str | None, right: str | None, points: int = 3000) -> bool:
    if left is None or right is None or left == right:
        return left == right
    names = {ref: f"v{at}" for at, ref in enumerate(sorted(set(_REF.findall(left)) | set(_REF.findall(right))))}
    if set(_REF.findall(left)) != set(_REF.findall(right)):
        return False
    numbers = [float(n) for text in (left, right) for n in _NUMBER.findall(_REF.sub("", text))] + [1.0]
    first, second = (_compiled(text, names) for text in (left, right))
    draw = random.Random(7)
    for _ in range(points):
        scale = draw.choice(numbers) or 1.0
        values: dict[str, Fraction] = {}
        for name in names.values():
            base = draw.choice([0.0, draw.choice(numbers), scale * draw.uniform(0, 2), draw.uniform(0, 1)])
            if values and draw.random() < 0.7:
                other = float(draw.choice(list(values.values())))
                step = draw.choice(numbers) * draw.choice([-1.03, -1, -0.97, 0.97, 1, 1.03])
                base = draw.choice(
                    [other + step, other * abs(step), other / (abs(step) or 1), other, other * (1 + step)]
                )
            values[name] = Fraction(str(round(max(base, 0.0), 9)))
        scope = {"max": max, "min": min, "abs": abs, "F": Fraction, "__builtins__": {}}
        try:
            if bool(eval(first, scope, values)) != bool(eval(second, scope, values)):
                return False
        except ZeroDivisionError:
            continue
    return True


def _compiled(text: str, names: dict[str, str]) -> CodeType:
    """Numbers become exact fractions, so that a bound is met exactly or not at all."""
    exact = _NUMBER.sub(lambda m: f"F('{m[0]}')", _REF.sub(lambda m: names[m[0]], text))
    return compile(exact, "criterion", "eval")
