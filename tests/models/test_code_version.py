"""Keys of runs: the same for the same run, without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from models.code_version import COMMON, _with_imports, code_version, parsed, run_key

MODELS = Path(__file__).parents[2] / "models"
NO_PART_IN_THE_NUMBERS = {
    "__init__.py", "arithmetic.py", "checkpoint.py", "code_version.py", "drawing.py", "metrics.py", "request.py",
    "worker.py",
}  # fmt: skip
FOR_STUDIES = {"studying.py"}
"""No training passes through these, and a study's numbers come from its own file in `studies/`: they choose the device,
set the threads and hand on what was found."""


def key(request, **replaced):
    parts = {name: getattr(request, name) for name in ("mixer", "synthetic", "backbone", "training")}
    return run_key(**{**parts, "seed": 0, **replaced})


def test_a_key_depends_on_all_that_determines_the_run(make_request):
    request = make_request()
    other = make_request(mixer="softmax", synthetic={"pairs": 2}, backbone={"layers": 1}, training={"lr": 0.5})
    keys = {key(request)}
    for name in ("mixer", "synthetic", "backbone", "training"):
        keys.add(key(request, **{name: getattr(other, name)}))
    keys.add(key(request, seed=1))
    assert len(keys) == 6
    assert all(len(one) == 64 for one in keys)


def test_a_default_written_out_changes_nothing(make_request):
    assert key(make_request()) == key(make_request(training={"weight_decay": 0.01, "stop_at": None}))


def test_every_source_is_in_the_version_or_known_not_to_matter():
    sources = {path.relative_to(MODELS).as_posix() for path in MODELS.glob("*.py")}
    assert sources == {name for name in COMMON if "/" not in name} | NO_PART_IN_THE_NUMBERS | FOR_STUDIES


def test_no_training_passes_through_what_is_for_studies():
    modules = {f"models.{name.removesuffix('.py')}" for name in FOR_STUDIES}
    for name in COMMON:
        nodes = ast.walk(ast.parse((MODELS / name).read_text(encoding="utf-8")))
        assert not modules & {node.module for node in nodes if isinstance(node, ast.ImportFrom)}, name


def test_a_mixer_brings_what_it_imports_and_not_the_others():
    files = _with_imports([*COMMON, "mixers/log_linear.py"])
    assert {"mixers/features.py", "mixers/log_linear.py", "synthetics/base.py"} <= files
    assert not files & {"mixers/linear_attention.py", "mixers/__init__.py", "synthetics/mqar.py"}


def test_versions_differ_by_mixer_and_need_its_file():
    assert code_version("log_linear", "mqar") != code_version("linear_attention", "mqar")
    with pytest.raises(FileNotFoundError, match=r"magic\.py"):
        code_version("magic", "mqar")


def test_no_torch_is_needed():
    program = (
        "import sys, models.code_version, models.request, models.metrics\n"
        "models.code_version.code_version('log_linear', 'mqar')\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=MODELS.parent, check=True)


def test_what_is_parsed_while_another_thread_parses_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault of Python itself comes about once in thousands of times, so it is raised here."""
    parse, faults = ast.parse, iter(range(3))

    def disturbed(text: str) -> ast.Module:
        if next(faults, None) is not None:
            raise SystemError("AST constructor recursion depth mismatch (before=66, after=77)")
        return parse(text)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert ast.dump(parsed("import os")) == ast.dump(parse("import os"))
    with pytest.raises(SyntaxError):
        parsed("import")
