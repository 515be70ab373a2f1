#!/usr/bin/env python3
"""The manual pages are clean mdoc."""
import subprocess

import _tree


def main():
    base = _tree.root()
    pages = [n for n in _tree.files(base) if n.startswith("docs/man/")]
    if not pages:
        _tree.finish(["docs/man:1: there are no manual pages"])
    ran = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], cwd=base, capture_output=True,
                         text=True, check=False)
    _tree.finish((ran.stdout + ran.stderr).splitlines() if ran.returncode else [])


main()
