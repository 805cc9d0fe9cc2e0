"""What containers printed while they worked on a call."""

from modal_proto import api_pb2 as api

from tests.modal_server.calling import Calling
from tests.modal_server.rpc import answers, streams


class Logs(Calling):
    @answers
    async def AppFetchLogs(self, request, task):
        lines = self._lines(request.function_call_id)
        lines = lines[-(request.limit or 100) :]
        items = [api.TaskLogs(data=line + "\n", file_descriptor=api.FILE_DESCRIPTOR_STDOUT) for line in lines]
        return api.AppFetchLogsResponse(batches=[api.TaskLogsBatch(items=items)])

    @streams
    async def AppGetLogs(self, request, task):
        yield api.TaskLogsBatch(app_done=True)

    def _lines(self, call: str) -> list[str]:
        spans = [(one.id, start, end) for one in self.state.containers.values() for of, start, end in one.spans
                 if of == call and end is None]  # fmt: skip
        closed = self.state.root / "spans.txt"
        if closed.exists():
            for line in closed.read_text().splitlines():
                of, task, start, end = line.split()
                if of == call:
                    spans.append((task, int(start), int(end)))
        text = b""
        for task, start, end in sorted(spans):
            with (self.state.root / "containers" / task / "log.txt").open("rb") as file:
                file.seek(start)
                text += file.read() if end is None else file.read(end - start)
        return text.decode(errors="replace").splitlines()
