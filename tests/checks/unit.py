#!/usr/bin/env python3
"""The systemd unit is understood without complaint and gives away little ('security' below 2.0)."""
import re
import subprocess
import tempfile
from pathlib import Path

import _tree

THRESHOLD = 20      # systemd's 'exposure' times ten


def analyze(*arguments):
    ran = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return ran.returncode, (ran.stdout + ran.stderr).splitlines()


def check(unit, shown):
    with tempfile.TemporaryDirectory() as folder:
        # 'verify' wants the programs to exist; which ones they are is the installation's business.
        copy = Path(folder, Path(unit).stem)
        text = Path(unit).read_text(encoding="utf-8")
        copy.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.M), encoding="utf-8")
        status, said = analyze("verify", "--man=no", str(copy))
        complaints = ["%s:1: verify: %s" % (shown, line) for line in said] or (
            ["%s:1: verify exits %d" % (shown, status)] if status else [])
        status, said = analyze("security", "--offline=yes", "--threshold=%d" % THRESHOLD, str(copy))
        if status:
            complaints.append("%s:1: security: %s" % (shown, said[-1] if said else status))
        return complaints


def main():
    base = _tree.root()
    units = [n for n in _tree.files(base, ".service.in") if n.startswith("contrib/")]
    _tree.finish([c for n in units for c in check(base / n, n)] or
                 ([] if units else ["contrib/systemd:1: there is no unit"]))


main()
