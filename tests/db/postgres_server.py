"""A real PostgreSQL server for the tests: Debian's binaries, a folder of its own, gone with the session."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40")
"""The data need not outlive the tests."""


class UnavailableError(Exception):
    """No server can be started here; the message says why."""


def find_binaries() -> Path:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise UnavailableError("no PostgreSQL server is installed (apt-get install postgresql)")


def _unprivileged() -> dict[str, object]:
    """initdb and postgres refuse root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of its database `postgres`, on a free port of the loopback device."""
    binaries = find_binaries()
    who = _unprivileged()
    home = Path(tempfile.mkdtemp(prefix="mve-postgres-"))  # not below pytest's folder, which is closed to others
    try:
        if who:
            os.chown(home, who["user"], who["group"])  # type: ignore[arg-type]
        data = home / "data"
        initdb = [binaries / "initdb", "-D", data, "-U", "mve", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        made = subprocess.run(initdb, capture_output=True, text=True, cwd=home, **who)  # type: ignore[call-overload]
        if made.returncode:
            raise UnavailableError(f"initdb: {made.stderr.strip()[-300:]}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = (*FAST, f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}")
        server = [binaries / "pg_ctl", "-D", data, "-l", home / "log", "-w", "-t", "30"]
        options = ["-o", " ".join(f"-c {setting}" for setting in settings)]
        started = subprocess.run(
            [*server, *options, "start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, **who
        )  # type: ignore[call-overload]
        if started.returncode:
            raise UnavailableError(f"pg_ctl: {(home / 'log').read_text()[-300:]}")
        try:
            yield f"postgresql://mve@127.0.0.1:{port}/postgres"
        finally:
            stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(stop, capture_output=True, cwd=home, check=True, **who)  # type: ignore[call-overload]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def create_database(server: str, name: str, template: str = "template0") -> str:
    """A database as a copy of another, and its URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return server.rpartition("/")[0] + f"/{name}"


def drop_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
