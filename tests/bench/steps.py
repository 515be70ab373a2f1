#!/usr/bin/env python3
"""The instructions of each step of an answer (bench_steps under callgrind), and whether they may be that many.

usage: steps.py show BUILD-FOLDER
       steps.py check BUILD-FOLDER [RESULT]   against tests/bench/steps.expected; RESULT gets "PASSED FAILED SKIPPED"
       steps.py accept BUILD-FOLDER           writes tests/bench/steps.expected

Instructions are the same in every run of one binary, so a step that grew did so by a change.  They differ between
processors, compilers and C libraries: elsewhere than where the accepted ones were counted nothing is compared.
"""
import concurrent.futures
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXPECTED = Path(__file__).with_name("steps.expected")
GROWTH = 0.05
# The difference of the two is one step's, without the start.
TIMES = (1000, 6000)


class Skip(Exception):
    pass


def program_of(build):
    return Path(build) / "tests" / "bench" / "bench_steps"


def where(build):
    """What instructions hang on beside the sources, in one line."""
    program = program_of(build).read_bytes()
    # The C library's start code is GCC's, whoever made the rest.
    made_by = re.search(rb"clang version (\d+)", program) or re.search(rb"GCC: \([^)]*\) (\d+)", program)
    compiler = "%s-%s" % ("clang" if made_by[0][:1] == b"c" else "gcc", made_by[1].decode()) if made_by else "unknown"
    # Valgrind shows programs one of two processors: with AVX2 or without.
    wide = "avx2" in Path("/proc/cpuinfo").read_text().split()
    return " ".join([platform.machine(), compiler, os.confstr("CS_GNU_LIBC_VERSION").replace(" ", "-"),
                     "avx2" if wide else "plain"])


def instructions(program, step, times):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, step, str(times)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def count(build):
    """{step: instructions}"""
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    program = str(program_of(build))
    steps = subprocess.run([program, "names"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = [[pool.submit(instructions, program, step, times) for times in TIMES] for step in steps]
        return {step: round((last.result() - first.result()) / (TIMES[1] - TIMES[0]))
                for step, (first, last) in zip(steps, ends)}


def read_expected():
    lines = [line.split(maxsplit=1) for line in EXPECTED.read_text().splitlines() if line and line[0] != "#"]
    values = dict(lines)
    return values.pop("where"), {step: int(value) for step, value in values.items()}


def accept(build):
    counts = count(build)
    EXPECTED.write_text("# Accepted instructions of each step: written by './dev bench accept', held by './dev test steps'.\n"
                        + "where %s\n" % where(build) + "".join("%s %d\n" % item for item in counts.items()))
    show(counts)


def show(counts):
    for item in counts.items():
        print("%-8s %6d instructions" % item)


def compare(counts, expected):
    """How many steps are good and how many are not; says what moved."""
    bad = 0
    for step in sorted(counts.keys() | expected.keys()):
        new, old = counts.get(step), expected.get(step)
        if new is None or old is None:
            bad += 1
            print("%s: %s; run './dev bench accept'" % (step, "is not a step any more" if new is None else "is a new step"))
        elif new > old * (1 + GROWTH):
            bad += 1
            print("%s: %d instructions instead of %d (+%.1f %%): make it cheaper, or run './dev bench accept' and say in "
                  "docs/performance.md what it is worth" % (step, new, old, 100 * (new - old) / old))
        elif new < old:
            print("fell  %s: %d instructions instead of %d; './dev bench accept' makes that the mark" % (step, new, old))
    return len(counts.keys() | expected.keys()) - bad, bad


def check(build, result):
    try:
        counts = count(build)
        place, expected = read_expected()
        if where(build) != place:
            show(counts)
            raise Skip("instructions were accepted on %s, this is %s" % (place, where(build)))
        good, bad = compare(counts, expected)
        tally = (good, bad, 0)
    except Skip as why:
        print("skip  %s" % why)
        tally = (0, 0, 1)
    if result:
        Path(result).write_text("%d %d %d\n" % tally)
    return tally[1] > 0


def main():
    command, build = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
    if command == "show":
        show(count(build))
    elif command == "accept":
        accept(build)
    elif command == "check":
        sys.exit(check(build, sys.argv[3] if len(sys.argv) > 3 else None))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
