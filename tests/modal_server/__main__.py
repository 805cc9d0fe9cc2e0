"""`python -m tests.modal_server --port P --root DIR`: the local server for demonstrations. Ends with Ctrl-C."""

import argparse
import asyncio
import json
from pathlib import Path

from tests.modal_server.serving import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.modal_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--root", type=Path, required=True, help="where volumes, uploads, logs and the journal go")
    parser.add_argument("--containers", type=int, default=8, help="at most so many at once")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds from SIGINT to SIGKILL")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of shell commands")
    options = parser.parse_args()

    def ready(variables: dict[str, str], http: str) -> None:
        if options.json:
            print(json.dumps({"variables": variables, "http": http}), flush=True)
            return
        for name, value in variables.items():
            print(f"export {name}={value}")
        print(f'# faults: curl -d \'{{"do": "preempt"}}\' {http}/fault', flush=True)

    asyncio.run(serve(options.port, options.root.resolve(), options.containers, options.grace, ready))


if __name__ == "__main__":
    main()
