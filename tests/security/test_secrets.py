"""What is secret stays where it was put: not in names of things, messages, or what a training inherits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_proposals import write_proposal

from db.engine import open_catalog
from db.errors import CatalogError
from flows.parameters import catalog_parameter
from proposals.words import has_password, without_password
from proposals.workspace import Workspace
from tasks.executors.environment import for_training
from tasks.settings import SettingsError, settings_of

SECRET = "planted-7f3a"
NAMES = (
    "MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "WANDB_API_KEY", "MVE_CATALOG", "MVE_NOTIFY", "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING", "PREFECT_API_DATABASE_CONNECTION_URL", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY",
    "HF_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "SLACK_WEBHOOK_URL", "DB_PASSWD", "SENTRY_DSN",
)  # fmt: skip
URLS = (
    f"postgresql://mve:{SECRET}@host/db", f"postgresql://mve:{SECRET}@host:port/db", f"postgres://:{SECRET}@/db",
    f"postgresql://host/db?user=mve&password={SECRET}", f"mysql://mve:{SECRET}@host/db", f"sqlite://mve:{SECRET}@/x?y=1",
    f"postgresql://mve:{SECRET}@@host/db", f"postgresql://mve:a@{SECRET}@host:x/db", f"sqlite:///x?key={SECRET}",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_training_does_not_inherit_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    assert SECRET not in for_training().values()


def test_a_training_inherits_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "TMPDIR", "LANG"):
        monkeypatch.setenv(name, "kept")
        assert for_training()[name] == "kept"


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_shown_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_password(url)
    assert SECRET not in without_password(url)
    place = Workspace(Path("/somewhere"), url)
    assert SECRET not in repr(place)
    monkeypatch.setenv("MVE_CATALOG", "another")
    assert catalog_parameter(place) is None
    assert os.environ["MVE_CATALOG"] == url, "the flow finds it there"


@pytest.mark.parametrize("url", ["sqlite:////a/catalog.sqlite", "postgresql://mve@host:5432/db", "postgresql:///db"])
def test_a_url_without_one_is_a_parameter_as_it_is(url: str) -> None:
    assert without_password(url) == url
    assert catalog_parameter(Workspace(Path("/somewhere"), url)) == url


@pytest.mark.parametrize("url", [url for url in URLS if "host/db" not in url and "@/db" not in url])
def test_a_url_that_is_none_is_refused_without_it(url: str) -> None:
    with pytest.raises(CatalogError) as refused:
        open_catalog(url)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None or SECRET not in str(refused.value.__cause__)


def test_settings_that_are_wrong_are_named_without_it(tmp_path: Path) -> None:
    (tmp_path / "mve.toml").write_text(f'notices = "slack://{SECRET}"\n')
    with pytest.raises(SettingsError) as refused:
        settings_of(Workspace(tmp_path, "sqlite:///x"))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("command", "traceback"), [(["sql", "select 1"], "1"), (["list"], ""), (["verify", "101"], "")]
)
def test_a_catalog_out_of_reach_is_named_without_it(tmp_path: Path, command: list[str], traceback: str) -> None:
    pytest.importorskip("psycopg")
    write_proposal(tmp_path)
    url = f"postgresql://mve:{SECRET}@127.0.0.1:1/x"
    given = {**os.environ, "MVE_WORKSPACE": str(tmp_path), "MVE_CATALOG": url, "MVE_TRACEBACK": traceback}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *command], env=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode
    assert "127.0.0.1" in done.stderr
    assert SECRET not in done.stdout + done.stderr
