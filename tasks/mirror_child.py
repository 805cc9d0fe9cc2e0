"""The process that writes to W&B, and the only file that imports wandb: `python -m tasks.mirror_child FOLDER`.

FOLDER/job.json says what to write; FOLDER/written.json, put there last, says what was written. Each run is first
written offline, which needs no network and takes a tenth of a second; where it is to go online, it is then synced. So
whatever hangs or fails there, the folder holds everything, and `wandb sync` can be called later.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

JOB = "job.json"
WRITTEN = "written.json"


def write(folder: Path, job: dict[str, Any]) -> dict[str, str]:
    """One W&B run for each of `job["runs"]`. Returns their folders, relative to `folder`, by id."""
    import wandb

    settings = wandb.Settings(
        mode="offline", silent=True, console="off", save_code=False, disable_code=True, disable_git=True,
        disable_job_creation=True, x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True,
        x_save_requirements=False,
    )  # fmt: skip
    written = {}
    for one in job["runs"]:
        with wandb.init(
            project=job["project"], dir=str(folder), group=job["group"], id=one["id"], name=one["name"],
            job_type=one["variant"], tags=job["tags"], notes=job["notes"], config=one["config"], settings=settings,
        ) as run:  # fmt: skip
            run.define_metric("epoch")
            run.define_metric("curves/*", step_metric="epoch")
            for row in one["history"]:
                run.log(row)
            run.summary.update(one["summary"])
            written[one["id"]] = str(Path(run.dir).resolve().parent.relative_to(folder.resolve()))
    return written


def sync(folder: Path, job: dict[str, Any], written: dict[str, str]) -> dict[str, str]:
    """Bring what was written to W&B's server. Returns the address of each run that told its own, by id."""
    paths = [folder / run for run in written.values()]
    command = [sys.executable, "-m", "wandb", "sync", "--project", job["project"], *map(str, paths)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout, flush=True)
    # its exit code is 0 also where nobody is logged in
    left = [path.name for path in paths if not list(path.glob("*.wandb.synced"))]
    if done.returncode or left:
        raise RuntimeError(f"wandb sync ended with code {done.returncode} and left {len(left)} of {len(paths)} runs")
    addresses = [address.rstrip(".") for address in re.findall(r"https?://[^\s'\"]+", done.stdout)]
    return {id: address for id in written for address in addresses if address.endswith(f"/{id}")}


def main(folder: Path) -> None:
    job = json.loads((folder / JOB).read_text())
    # the kernel ends this process even where it is stuck outside Python and whoever started it is gone
    signal.alarm(int(job["seconds"]) + 5)
    written = write(folder, job)
    stated = {"runs": written, "addresses": {}, "online": False}
    _put(folder / WRITTEN, stated)
    if job["online"]:
        addresses = sync(folder, job, written)
        _put(folder / WRITTEN, {**stated, "addresses": addresses, "online": True})


def _put(path: Path, stated: dict[str, Any]) -> None:
    """All of the file or none of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(stated, indent=1))
    os.replace(beside, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
