#!/usr/bin/env python3
"""Counts test cases for ./dev test, and shows what the failing ones printed.

usage: tally.py meson BUILD_FOLDER RESULT    programs of 'meson test': cmocka's and TAP's own cases are counted
       tally.py junit FILE RESULT            what pytest wrote
RESULT becomes one line: PASSED FAILED SKIPPED.
"""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CMOCKA = re.compile(r"^\[ +(PASSED|FAILED|SKIPPED) +\] (\d+) test", re.M)
TAP = re.compile(r"^(not )?ok \d+ - ", re.M)


def program_counts(entry, output):
    """(passed, failed, skipped) of one program; one that counts no cases, or died, counts as a case."""
    counts = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    for word, number in CMOCKA.findall(output):
        counts[word] += int(number)
    if re.search(r"^1\.\.\d+$", output, re.M):
        for bad in TAP.findall(output):
            counts["FAILED" if bad else "PASSED"] += 1
    if entry["result"] == "SKIP":
        counts["SKIPPED"] = max(counts["SKIPPED"], 1)
    elif entry["result"] not in ("OK", "EXPECTEDFAIL"):
        counts["FAILED"] = max(counts["FAILED"], 1)
    elif not any(counts.values()):
        counts["PASSED"] = 1
    return counts["PASSED"], counts["FAILED"], counts["SKIPPED"]


def meson(folder):
    total = [0, 0, 0]
    log = Path(folder, "meson-logs", "testlog.json")
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        entry = json.loads(line)
        output = (entry.get("stdout") or "") + (entry.get("stderr") or "")
        counts = program_counts(entry, output)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print("==== %s: %s (exit %s)" % (entry["name"], entry["result"], entry.get("returncode")))
            print("\n".join(output.splitlines()[-80:]))
    return total


def junit(file):
    suites = ElementTree.parse(file).getroot().iter("testsuite")
    passed = failed = skipped = 0
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skip = int(suite.get("skipped", 0))
        failed, skipped = failed + bad, skipped + skip
        passed += int(suite.get("tests", 0)) - bad - skip
    return max(passed, 0), failed, skipped


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("meson", "junit"):
        sys.exit(__doc__)
    counts = {"meson": meson, "junit": junit}[sys.argv[1]](sys.argv[2])
    Path(sys.argv[3]).write_text("%d %d %d\n" % tuple(counts), encoding="ascii")


if __name__ == "__main__":
    main()
