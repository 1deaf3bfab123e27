"""Known vulnerabilities of what is installed: ``python -m tests.audit PIP_AUDIT`` asks the package index by pip-audit.

A finding fails unless :data:`KNOWN` lists it with a reason. An index that knows of no vulnerabilities, or that does not
answer, fails nothing and is told: what could not be looked at is never called clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.domain.settings import PROJECT_ROOT

KNOWN = PROJECT_ROOT / ".ci" / "known-vulnerabilities.txt"
"""Lines of id, package, and the reason why it does not matter here."""

MOST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at: ``findings`` are (package, id) of which nobody has said why they do not matter."""

    asked: int
    answered: int
    findings: tuple[tuple[str, str], ...]
    excused: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """What came of it, for whoever reads the log."""
        if not self.answered:
            return f"Not audited: the index holds no list of vulnerabilities for any of {self.asked} packages."
        looked = f"{self.answered} of {self.asked} packages audited"
        excused = f", {len(self.excused)} known and excused" if self.excused else ""
        return f"{looked}: {len(self.findings)} vulnerabilities to look at{excused}."


def known_vulnerabilities(text: str) -> dict[str, str]:
    """Id → package and reason, of each line that is not empty and no comment.

    Raises:
        ValueError: a line has no reason.
    """
    known = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, *told = line.split(maxsplit=2)
        if len(told) < 2:
            raise ValueError(f"{KNOWN.name}: {line!r} lacks its package or its reason")
        known[name] = " ".join(told)
    return known


def judge(report: str, known: Mapping[str, str]) -> Audit:
    """The audit that pip-audit's JSON tells of.

    Raises:
        ValueError: it is no such JSON.
    """
    document = json.loads(report)
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise ValueError("pip-audit printed no list of dependencies")
    packages = document["dependencies"]
    answered = [package for package in packages if "skip_reason" not in package]
    named = [
        (package["name"], next((name for name in (one["id"], *one.get("aliases", ())) if name in known), one["id"]))
        for package in answered
        for one in package["vulns"]
    ]
    return Audit(
        asked=len(packages),
        answered=len(answered),
        findings=tuple(one for one in named if one[1] not in known),
        excused=tuple(one for one in named if one[1] in known),
    )


def main(pip_audit: str) -> int:
    """Exit code 1 for a finding that nobody has explained, else 0."""
    command = [pip_audit, "--path", sysconfig.get_path("purelib"), "--format", "json", "--progress-spinner", "off"]
    known = known_vulnerabilities(KNOWN.read_text(encoding="utf-8"))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
        audit = judge(done.stdout, known)
    except subprocess.TimeoutExpired:
        print(f"Not audited: the index has not answered for {MOST_SECONDS} s.")
        return 0
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        print(f"Not audited: pip-audit had no answer from the index: {reason[:300]}")
        return 0
    print(audit.sentence)
    for package, vulnerability in audit.findings:
        print(
            f"  {package}: {vulnerability}. Take a version without it, or say in {KNOWN.name} why it does not matter."
        )
    return 1 if audit.findings else 0


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]))))
