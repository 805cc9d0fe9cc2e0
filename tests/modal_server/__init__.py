"""A server that speaks Modal's protocol on loopback, for tests and demonstrations without an account.

The unmodified client of the `modal` wheel deploys to it, looks functions up, spawns calls and asks after them; each
container is a child process in the wheel's own entrypoint, `python -m modal._container_entrypoint`, and imports the
code that was uploaded. There is no GPU, no image is built, and nothing is isolated. docs/modal.md says what a test
against it proves and what it does not.

    state.py       what the server knows: apps, functions, calls, containers
    rpc.py         how an RPC is answered, and refused where it is not implemented
    account.py     the workspace, and what an hour costs
    deploying.py   apps, images, mounts, secrets, functions
    calling.py     calls from the client's side: spawn, map, ask, cancel
    containers.py  calls from the container's side, and the processes
    volumes.py     volumes, with uncommitted writes seen by nobody else
    logs.py        what containers printed
    blobs.py       HTTP: large payloads, blocks of volumes, faults on demand
    faults.py      what it can be told to do wrong
    serving.py     all of it together, in this process or in a child
"""
