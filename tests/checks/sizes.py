#!/usr/bin/env python3
"""Functions up to 60 lines, files up to 500; excused ones (tests/checks/excused) up to 100 and 800."""
import _tree

FUNCTION, FUNCTION_HARD = 60, 100
TEST_FUNCTION_HARD = 200     # of tests and benchmarks, excused
FILE, FILE_HARD = 500, 800


def judge(where, what, key, length, limits, excused, used):
    soft, hard = limits
    if length > hard:
        yield "%s: %s has %d lines, %d is the end" % (where, what, length, hard)
    elif length > soft and key not in excused:
        yield "%s: %s has %d lines, wants %d (split it, or excuse it in tests/checks/excused)" % (
            where, what, length, soft)
    if length > soft:
        used.add(key)


def main():
    base, complaints, used = _tree.root(), [], set()
    excused = {w[0] for w in (line.split() for line in _tree.lines(base, "tests/checks/excused"))
               if w and not w[0].startswith("#")}
    for name in _tree.files(base, ".c", ".h"):
        text = _tree.lines(base, name)
        ours = name.split("/")[0] in _tree.SOURCE_FOLDERS
        limits = (FUNCTION, FUNCTION_HARD) if ours else (FUNCTION_HARD, TEST_FUNCTION_HARD)
        complaints += judge(name + ":1", "the file", name, len(text) - 1, (FILE if ours else FILE_HARD, FILE_HARD),
                            excused, used)
        for line, signature, length in _tree.functions(text):
            function = _tree.function_name(signature)
            complaints += judge("%s:%d" % (name, line), function + "()", name + ":" + function, length,
                                limits, excused, used)
    complaints += ["tests/checks/excused:1: %s needs no excuse (any more)" % key for key in sorted(excused - used)]
    _tree.finish(complaints)


main()
