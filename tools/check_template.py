"""Three linters on the translated template and the deploy role: checkov, cfn-lint with cfn-lint-serverless, cfn-guard.

    .venv/bin/python -m tools.check_template

cfn-guard's rules are those of AWS Control Tower. What a linter finds must be mended or listed with its reason in
check_template.toml; a listed rule that finds nothing is an error too.
"""

import json
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import cfnlint.decode  # type: ignore[import-untyped]

from tools.translate import ROOT, resolved, translated

EXCEPTIONS = Path(__file__).with_suffix(".toml")
GUARD = ROOT / ".node" / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard"
DEPLOY_ROLE = ROOT / ".github" / "deploy-role.yaml"
OPTIONS: Mapping[str, str] = {
    "AlarmEmail": "operator@example.com",
    "AccessLogs": "create-role",
    "DomainName": "images.example.com",
    "HostedZoneId": "Z0123456789EXAMPLE",
    "DeletionProtection": "true",
    "AccountConcurrency": "1000",
    "Canary": "true",
    "RequestsPerAddress": "1000",
}
"""Parameters that make every optional resource."""
SECONDS = 300


class Finding(NamedTuple):
    """A rule that a resource breaks."""

    rule: str
    resource: str
    text: str


def checkov(templates: list[Path]) -> Iterator[Finding]:
    """Run checkov on resolved templates, offline."""
    files = [argument for template in templates for argument in ("--file", str(template))]
    command = [str(ROOT / ".venv-lint" / "bin" / "checkov"), "--framework", "cloudformation", "--output", "json"]
    report = json.loads(_output([*command, "--compact", "--quiet", "--skip-download", *files]))
    if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        raise RuntimeError(f"checkov read no template: {report['summary']}")
    for check in report["results"]["failed_checks"]:
        yield Finding(check["check_id"], check["resource"].rpartition(".")[2], check["check_name"])


def cfn_lint(templates: list[Path]) -> Iterator[Finding]:
    """Run cfn-lint on templates with their conditions."""
    command = [str(ROOT / ".venv" / "bin" / "cfn-lint"), "--append-rules", "cfn_lint_serverless.rules"]
    for match in json.loads(_output([*command, "--format", "json", *map(str, templates)]) or "[]"):
        path = match["Location"]["Path"] or []
        yield Finding(match["Rule"]["Id"], str(path[1]) if len(path) > 1 else "", match["Message"])


def cfn_guard(templates: list[Path]) -> Iterator[Finding]:
    """Run cfn-guard with AWS Control Tower's rules on resolved templates."""
    system = "macos" if sys.platform == "darwin" else "ubuntu"
    machine = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    command = [str(GUARD / "bin" / system / machine / "cfn-guard"), "validate", "--rules", str(GUARD / "rules")]
    output = ["--structured", "--output-format", "json", "--show-summary", "none"]
    files = [argument for template in templates for argument in ("--data", str(template))]
    reports = json.loads(_output([*command, *output, *files]))
    if len(reports) != len(templates) or not all(report["compliant"] for report in reports):
        raise RuntimeError("cfn-guard read no template or no rule")
    for report in reports:
        for broken in report["not_compliant"]:
            words = json.dumps(broken)
            control = re.search(r"\[(CT\.[A-Z0-9.]+)\]", words)
            for resource in sorted(set(re.findall(r"/Resources/(\w+)", words))):
                yield Finding(broken["Rule"]["name"], resource, control[1] if control else "")


LINTERS: Mapping[str, Callable[[list[Path]], Iterator[Finding]]] = {
    "checkov": checkov,
    "cfn-lint": cfn_lint,
    "cfn-guard": cfn_guard,
}


def unexplained(linter: str, findings: set[Finding], exceptions: Mapping[str, Any]) -> list[str]:
    """Return what is wrong: a finding without an exception, and an exception without a finding."""
    wrong: list[str] = []
    used: set[tuple[str, str]] = set()
    for finding in sorted(findings):
        patterns = exceptions.get(finding.rule, {}).get("on", [])
        matching = [pattern for pattern in patterns if fnmatchcase(finding.resource, pattern)]
        used.update((finding.rule, pattern) for pattern in matching)
        if not matching:
            wrong.append(f"{linter} {finding.rule} on {finding.resource}: {finding.text}")
    for rule, exception in exceptions.items():
        unused = [pattern for pattern in exception["on"] if (rule, pattern) not in used]
        wrong += [f"{linter} {rule} finds nothing on {pattern}: remove the exception" for pattern in unused]
    return wrong


def main() -> int:
    """Translate, run the three side by side, and print what is unexplained."""
    exceptions = tomllib.loads(EXCEPTIONS.read_text())
    template = translated()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        paths = {name: Path(folder, f"{name}.json") for name in ("template", "default", "options", "role")}
        paths["template"].write_text(json.dumps(template))
        paths["default"].write_text(json.dumps(resolved(template)))
        paths["options"].write_text(json.dumps(resolved(translated(**OPTIONS), **OPTIONS)))
        role = cfnlint.decode.decode(str(DEPLOY_ROLE))[0]
        paths["role"].write_text(json.dumps(resolved(role, Repository="owner/atelier", Environment="prod")))
        chosen = {name: [paths["default"], paths["options"], paths["role"]] for name in LINTERS}
        chosen["cfn-lint"] = [paths["template"], DEPLOY_ROLE]
        runs = {
            name: pool.submit(lambda run, files: set(run(files)), run, chosen[name]) for name, run in LINTERS.items()
        }
        findings = {name: run.result() for name, run in runs.items()}
    wrong = [line for name in LINTERS for line in unexplained(name, findings[name], exceptions.get(name, {}))]
    print("\n".join(wrong) or f"The translated template passes {', '.join(LINTERS)}; exceptions: {EXCEPTIONS.name}")
    return 1 if wrong else 0


def _output(command: list[str]) -> str:
    """Return a linter's report; its exit code only says that there are findings."""
    result = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if not result.stdout.strip() and result.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {result.stderr[-2000:]}")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
