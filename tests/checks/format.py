#!/usr/bin/env python3
"""Every C file looks as .clang-format says; './dev format' mends it."""
import subprocess

import _tree


def main():
    base = _tree.root()
    names = [n for n in _tree.files(base, ".c", ".h")]
    ran = subprocess.run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=1", *names], cwd=base,
                         capture_output=True, text=True, check=False) if names else None
    complaints = []
    if ran and ran.returncode:
        complaints = [line for line in ran.stderr.splitlines() if "error:" in line] or [ran.stderr]
    _tree.finish(complaints)


main()
