"""All findings. Pure."""

from pydantic import Field

from kubectl_kaito.doctor.checks import CHECKS, Level
from kubectl_kaito.doctor.health import Health
from kubectl_kaito.output import View


class FindingView(View):
    check: str
    level: Level = Field(description="OK, WARN or FAIL.")
    detail: str
    remedy: str | None


class Report(View):
    version: str = Field(description="The API server's.")
    findings: list[FindingView]


def report(health: Health) -> Report:
    findings = []
    for name, check in CHECKS.items():
        found = check(health)
        findings.append(
            FindingView(
                check=name, level=found.level, detail=found.detail, remedy=found.remedy or None
            )
        )
    return Report(version=health.version, findings=findings)


def has_failed(view: Report) -> bool:
    return any(finding.level is Level.FAIL for finding in view.findings)
