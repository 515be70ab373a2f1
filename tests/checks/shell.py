#!/usr/bin/env python3
"""Every shell script passes shellcheck."""
import subprocess

import _tree


def is_shell(base, name):
    if name.endswith(".sh"):
        return True
    with open(base / name, "rb") as file:
        return file.read(64).split(b"\n")[0].startswith((b"#!/usr/bin/env bash", b"#!/bin/sh"))


def main():
    base = _tree.root()
    names = [n for n in _tree.files(base) if is_shell(base, n)]
    ran = subprocess.run(["shellcheck", "-x", "-P", "SCRIPTDIR", "-f", "gcc", *names], cwd=base,
                         capture_output=True, text=True, check=False)
    _tree.finish((ran.stdout + ran.stderr).splitlines() if ran.returncode else [])


main()
