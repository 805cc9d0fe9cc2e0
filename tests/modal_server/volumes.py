"""Volumes. Each container works on a copy, as it does at Modal: what it has not committed is lost with it, and what
others commit it sees after a reload. Where two changed one file, the later commit wins."""

import asyncio
import shutil
from pathlib import Path

from google.protobuf.empty_pb2 import Empty
from grpclib import GRPCError, Status
from modal_proto import api_pb2 as api

from tests.modal_server.containers import Containers
from tests.modal_server.rpc import answers, streams
from tests.modal_server.state import Container

BLOCK = 8 * 1024 * 1024
Stamps = dict[str, tuple[int, int]]
"""Size and time of change of each file, by its path in the volume."""


class Volumes(Containers):
    stamps: dict[tuple[str, str], Stamps]
    """Of each working copy, as it was when it last agreed with the volume."""

    @answers
    async def VolumeGetOrCreate(self, request, task):
        name = request.deployment_name
        volume = f"vo-{name}"
        creating = request.object_creation_type == api.OBJECT_CREATION_TYPE_CREATE_IF_MISSING
        if not self._committed(volume).exists() and not creating:
            raise GRPCError(Status.NOT_FOUND, f"Volume '{name}' not found")
        self._committed(volume).mkdir(parents=True, exist_ok=True)
        self.state.volumes[volume] = name
        metadata = api.VolumeMetadata(version=api.VOLUME_FS_VERSION_V1, name=name)
        return api.VolumeGetOrCreateResponse(volume_id=volume, version=api.VOLUME_FS_VERSION_V1, metadata=metadata)

    @answers
    async def VolumeCommit(self, request, task):
        container = self.found(self.state.containers, task, "container")
        await asyncio.to_thread(self._commit, container, request.volume_id)
        return api.VolumeCommitResponse()

    @answers
    async def VolumeReload(self, request, task):
        container = self.found(self.state.containers, task, "container")
        await asyncio.to_thread(self._reload, container, request.volume_id)
        return Empty()

    @streams
    async def VolumeListFiles(self, request, task):
        root = self._committed(request.volume_id)
        folder = self._inside(request.volume_id, request.path)
        if not folder.exists():
            raise GRPCError(Status.NOT_FOUND, f"no such file or directory: {request.path}")
        found = folder.rglob("*") if request.recursive else folder.iterdir()
        kinds = api.FileEntry
        yield api.VolumeListFilesResponse(
            entries=[
                api.FileEntry(
                    path=str(path.relative_to(root)), size=path.stat().st_size, mtime=int(path.stat().st_mtime),
                    type=kinds.DIRECTORY if path.is_dir() else kinds.FILE,
                )
                for path in sorted(found)
            ]
        )  # fmt: skip

    @answers
    async def VolumeGetFile2(self, request, task):
        path = self._inside(request.volume_id, request.path)
        if not path.is_file():
            raise GRPCError(Status.NOT_FOUND, f"no such file: {request.path}")
        size = path.stat().st_size
        name = path.relative_to(self._committed(request.volume_id))
        urls = [
            f"{self.http}/volume/{request.volume_id}/{start}/{min(BLOCK, size - start)}/{name}"
            for start in range(0, size, BLOCK)
        ]
        return api.VolumeGetFile2Response(get_urls=urls, size=size, start=0, len=size)

    @answers
    async def VolumeRemoveFile(self, request, task):
        path = self._inside(request.volume_id, request.path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        return Empty()

    @answers
    async def VolumePutFiles(self, request, task):
        for file in request.files:
            path = self._inside(request.volume_id, file.filename)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._uploaded(file.sha256_hex), path)
        return Empty()

    # -- working copies --------------------------------------------------------------------------------------

    def working_copy(self, container: Container, volume: str) -> Path:
        return container.folder / "volumes" / volume

    def check_out(self, container: Container, volume: str) -> None:
        shutil.copytree(self._committed(volume), self.working_copy(container, volume))
        self.stamps[container.id, volume] = _stamps(self.working_copy(container, volume))

    def _commit(self, container: Container, volume: str) -> None:
        here, there = self.working_copy(container, volume), self._committed(volume)
        before, now = self.stamps[container.id, volume], _stamps(here)
        changed = [name for name, stamp in now.items() if before.get(name) != stamp]
        for name in changed:
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            beside = there / f"{name}.committing-{container.id}"
            shutil.copy2(here / name, beside)
            beside.replace(there / name)
        for name in before.keys() - now.keys():
            (there / name).unlink(missing_ok=True)
        self.stamps[container.id, volume] = now
        if changed:
            self.state.note("committed", task=container.id, files=changed)

    def _reload(self, container: Container, volume: str) -> None:
        here, there = self.working_copy(container, volume), self._committed(volume)
        known = self.stamps[container.id, volume]
        for name, stamp in _stamps(there).items():
            if known.get(name) != stamp:
                (here / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(there / name, here / name)
        self.stamps[container.id, volume] = _stamps(here)

    def _committed(self, volume: str) -> Path:
        folder = (self.state.root / "volumes" / volume).resolve()
        assert folder.parent == (self.state.root / "volumes").resolve(), volume
        return folder

    def _inside(self, volume: str, name: str) -> Path:
        folder = self._committed(volume)
        path = (folder / name.lstrip("/")).resolve()
        if not path.is_relative_to(folder):
            raise GRPCError(Status.INVALID_ARGUMENT, f"{name} is not in the volume")
        return path


def _stamps(folder: Path) -> Stamps:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and ".committing-" not in path.name
    }
