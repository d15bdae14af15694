"""Looks for known vulnerabilities where nothing but the package index is reached: `python .ci/audit.py LOCK...`.

`make audit` asks osv.dev about every version. The index tells the same of each project's newest release only; for any
other version it is said that nothing is known.
"""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

from pip._internal.models.index import PyPI  # the one place that knows the index's address

LOCKED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def judge(package: tuple[str, str]) -> tuple[str, list[str] | None]:
    """Return the package, and its known vulnerabilities, None when the index cannot tell."""
    name, version = package
    with urlopen(f"{PyPI.pypi_url}/{name}/json", timeout=30) as answer:  # noqa: S310 - the address is https
        project = json.load(answer)
    if project["info"]["version"] != version:
        return f"{name} {version}", None
    known = [vulnerability for vulnerability in project["vulnerabilities"] if not vulnerability.get("withdrawn")]
    return f"{name} {version}", [vulnerability["id"] for vulnerability in known]


def main() -> int:
    """Return 1 when a locked package has a known vulnerability."""
    packages = sorted({found for lock in sys.argv[1:] for found in LOCKED.findall(Path(lock).read_text())})
    try:
        with ThreadPoolExecutor(4) as pool:
            verdicts = list(pool.map(judge, packages))
    except OSError as error:
        sys.stdout.write(f"audit: LEFT OUT, the package index does not answer: {error}\n")
        return 0
    bad = {name: known for name, known in verdicts if known}
    untold = [name for name, known in verdicts if known is None]
    sys.stdout.write(f"audit: {len(verdicts)} packages are locked, {len(bad)} of them with known vulnerabilities\n")
    for name, known in bad.items():
        sys.stdout.write(f"audit: {name}: {', '.join(known)}\n")
    if untold:
        sys.stdout.write(f"audit: not the newest release, so nothing is told of {', '.join(untold)}\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
