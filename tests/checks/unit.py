#!/usr/bin/env python3
"""The systemd unit is understood without complaint, gives away little ('security' below 2.0), and forbids nothing
that pldnsd does: what is denied fails quietly, and is missed where nobody looks."""
import re
import subprocess
import tempfile
from pathlib import Path

import _tree

THRESHOLD = 20      # systemd's 'exposure' times ten
BY_ANOTHER = {"setrlimit"}      # the C library makes prlimit64 of it
GIVEN_UP = {"setpriority"}      # the builder's; see docs/decisions.md


def analyze(*arguments):
    ran = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return ran.returncode, (ran.stdout + ran.stderr).splitlines()


def calls_of(words):
    """The system calls of a filter's words, groups and what they hold resolved."""
    calls = set()
    for word in words:
        if word.startswith("@"):
            said = analyze("--no-pager", "syscall-filter", word)[1]
            calls |= calls_of(line.strip() for line in said if re.match(r" +[@a-z0-9_-]+$", line))
        else:
            calls.add(word)
    return calls


def denied_by(text):
    """The system calls that a unit takes back from what it allows."""
    denied = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", text, flags=re.M):
        if words.startswith("~"):
            denied |= calls_of(words[1:].split())
        else:
            denied -= calls_of(words.split())
    return denied - BY_ANOTHER - GIVEN_UP


def forbidden(base, shown, text):
    """What pldnsd does and this unit does not let it."""
    denied, few = denied_by(text), "\nProcSubset=pid\n" in text
    for name in (n for n in _tree.sources(base, ".c") if not n.startswith("ctl/")):
        source = "\n".join(_tree.lines(base, name))
        for call in sorted(denied & set(re.findall(r"\b([a-z0-9_]+)\(", source))):
            yield "%s:1: denies %s(), which %s calls" % (shown, call, name)
        if few and re.search(r'"/proc/(?!self\b)', source):
            yield "%s:1: ProcSubset=pid hides what %s reads" % (shown, name)


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
    _tree.finish([c for n in units for c in [*check(base / n, n), *forbidden(base, n, (base / n).read_text(encoding="utf-8"))]] or
                 ([] if units else ["contrib/systemd:1: there is no unit"]))


main()
