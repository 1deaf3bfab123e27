"""A known vulnerability fails the checks unless somebody said why it does not matter; silence is never called clean."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from core.domain.settings import PROJECT_ROOT
from tests import audit
from tests.audit import KNOWN, judge, known_vulnerabilities, main


def report(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


CLEAN = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "pandas", "skip_reason": "Dependency not found on PyPI and could not be audited: pandas (3.1.1)"}
BAD = {
    "name": "pillow",
    "version": "13.0.0",
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["13.0.1"], "description": "x"}],
}


def test_a_finding_is_named_and_fails() -> None:
    found = judge(report(CLEAN, SKIPPED, BAD), {})
    assert (found.asked, found.answered, found.findings) == (3, 2, (("pillow", "PYSEC-2026-1"),))
    assert found.sentence == "2 of 3 packages audited: 1 vulnerabilities to look at."


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "CVE-2026-1"])
def test_a_finding_somebody_explained_passes_under_any_of_its_names(name: str) -> None:
    found = judge(report(CLEAN, BAD), known_vulnerabilities(f"# why\n\n{name} pillow Only reads our own icon.\n"))
    assert (found.findings, found.excused) == ((), (("pillow", name),))


def test_an_index_without_vulnerabilities_is_not_called_clean() -> None:
    assert judge(report(SKIPPED, SKIPPED), {}).sentence.startswith("Not audited: the index holds no list")


def test_a_line_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks its package or its reason"):
        known_vulnerabilities("PYSEC-2026-1 pillow")


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        (report(CLEAN), 0, "1 of 1 packages audited: 0 vulnerabilities"),
        (report(BAD), 1, "pillow: PYSEC-2026-1"),
        ("", 0, "Not audited: pip-audit had no answer from the index: no route to host"),
        ("[]", 0, "Not audited"),
    ],
)
def test_what_the_command_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], printed: str, code: int, said: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\necho 'no route to host' >&2\ncat <<'END'\n{printed}\nEND\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert main(str(program)) == code
    assert said in capsys.readouterr().out


def test_an_index_that_does_not_answer_in_time_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(audit, "MOST_SECONDS", 0.2)
    assert main(str(program)) == 0
    assert "Not audited" in capsys.readouterr().out


def test_the_shipped_list_is_readable_and_the_program_is_pinned() -> None:
    known_vulnerabilities(KNOWN.read_text(encoding="utf-8"))
    checks = (PROJECT_ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"pip install pip-audit==[\w.]+\n", checks)
    assert "python -m tests.audit .venv/audit/bin/pip-audit" in checks
