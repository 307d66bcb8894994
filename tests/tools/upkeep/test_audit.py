import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.errors import UserError, WorkError
from tools.upkeep import audit

GOOD = {"name": "numpy", "version": "2.0.0", "vulns": []}
BAD = {"name": "pillow", "version": "9.0.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.1", "10.0"]}]}
LOCK = """numpy==2.0.0 \\
    --hash=sha256:aa
pillow==9.0.0 \\
    --hash=sha256:bb
"""
UNKNOWN = {"name": "filelock", "skip_reason": "Dependency not found on PyPI"}


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """Returns a function: what pip-audit says -> the command's call."""
    lock = tmp_path / "a.lock"
    lock.write_text(LOCK)

    def call(stdout, stderr=""):
        done = SimpleNamespace(stdout=stdout if isinstance(stdout, str) else json.dumps(stdout), stderr=stderr)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
        audit.main([str(lock)])

    return call


def test_packages_without_a_known_vulnerability(answer, capsys):
    answer({"dependencies": [GOOD, GOOD]})
    assert capsys.readouterr().out.endswith("a.lock: 2 packages, no known vulnerability\n")


def test_a_vulnerability_is_told_with_its_remedy(answer, capsys):
    with pytest.raises(WorkError, match="1 known vulnerabilities; raise the versions, and make lock"):
        answer({"dependencies": [GOOD, BAD]})
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split() == ["pillow", "9.0.0", "PYSEC-1", "9.1,", "10.0"]


@pytest.mark.parametrize(
    ("stdout", "stderr", "message"),
    [
        ("", "trace\nConnectionError: no route", r"the advisory base is out of reach \(ConnectionError: no route\)"),
        ({"dependencies": [GOOD, UNKNOWN]}, "", r"knows nothing of 1 of 2 packages \(filelock\)"),
        ({"dependencies": [GOOD]}, "", "1 of its 2 pins were looked up"),
    ],
)
def test_a_base_out_of_reach_is_no_success(answer, stdout, stderr, message):
    with pytest.raises(WorkError, match=message) as caught:
        answer(stdout, stderr)
    assert "was not audited" in str(caught.value)


def test_a_lock_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such lock"):
        audit.main([str(tmp_path / "none.lock")])


def test_every_pin_is_asked_about_whatever_python_it_is_for(monkeypatch, tmp_path):
    lock, asked = tmp_path / "a.lock", []
    lock.write_text(
        "numpy==2.2.6 ; python_full_version < '3.11' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "numpy==2.5.5 ; python_full_version >= '3.11' \\\n    --hash=sha256:cc\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:dd\n"
    )

    def run(command, **_):
        text = Path(command[-1]).read_text()
        asked.append(text)
        names = [line.split("==")[0] for line in text.splitlines() if "==" in line]
        found = {"dependencies": [{"name": name, "version": "1", "vulns": []} for name in names]}
        return SimpleNamespace(stdout=json.dumps(found), stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    audit.main([str(lock)])
    assert asked == [
        "numpy==2.2.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ncolorama==0.4.6 \\\n    --hash=sha256:dd\n",
        "numpy==2.5.5 \\\n    --hash=sha256:cc\n",
    ]
