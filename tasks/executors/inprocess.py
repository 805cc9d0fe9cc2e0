"""Training in this very process, for tests and for stepping through with a debugger."""

from pathlib import Path

from models.request import TrainRequest, TrainResult
from tasks.executors.base import Fault, Finished, Handle, Machine, Request, State


class InProcess:
    name = "inprocess"
    width = 1
    remote = False

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        # torch takes more than a second to import
        if isinstance(request, TrainRequest):
            from models.training import train

            result = train(request)
        else:
            from models.studying import study

            result = study(request)
        (Path(request.directory) / "result.json").write_text(result.model_dump_json())
        return {"directory": request.directory}

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> None:
        """What ran in a process that is gone is gone."""

    def poll(self, handle: Handle) -> State:
        path = Path(handle["directory"]) / "result.json"
        if not path.exists():
            return Fault("lost", "the process that trained it is gone and left no result")
        return Finished(TrainResult.model_validate_json(path.read_text()))

    def cancel(self, handle: Handle) -> None:
        """It has run to its end before anyone could ask."""
