"""What is installed in the image: the versions that are installed here, which are those of constraints.txt, of what
`models` imports and of all that this needs in turn. Only where the app is deployed: an image has no `packaging`."""

import re
from importlib.metadata import PackageNotFoundError, distribution

DEPENDENCIES = ("torch", "numpy", "pydantic", "jaxtyping")
"""What `models` imports."""
PYTHON = "3.11"
IMAGE = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "extra": "",
}
"""Of which a requirement's conditions speak."""


def pins(names: tuple[str, ...] = DEPENDENCIES) -> list[str]:
    """ "name==version" of each of the names and of all that they need, in order of their names.

    What is not installed here is left to pip: CUDA's libraries, which torch itself pins. Raises PackageNotFoundError
    where one of `names` is not.
    """
    from packaging.requirements import Requirement

    found = {_plain(name): distribution(name).version for name in names}
    waiting = list(names)
    while waiting:
        for line in distribution(waiting.pop()).requires or ():
            needed = Requirement(line)
            name = _plain(needed.name)
            if name in found or (needed.marker and not needed.marker.evaluate(dict(IMAGE))):
                continue
            try:
                found[name] = distribution(name).version
            except PackageNotFoundError:
                continue
            waiting.append(name)
    # a build for a CPU alone calls itself 2.13.0+cpu
    return [f"{name}=={version.split('+')[0]}" for name, version in sorted(found.items())]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
