#!/usr/bin/env python3
"""What docs/how-a-query-travels.md names exists: each `file.c`, and each `function()` in a file that its
paragraph names, or in the one that led a paragraph last; its list of stages is what query.c runs."""
import re

import _tree

PAGE = "docs/how-a-query-travels.md"
SPINE = "resolver/query.c"
WAY = ("begin_visit", "end_foreign")  # the functions that run the stages, in this order
STEP = re.compile(r"\bstep =(?:= VISIT_NEXT \?)?\s*(\w+)\(v\b")
NAMED = re.compile(r"`(\w+\.[ch])`|`(\w+)\(\)`")


def read_functions(base):
    """{file: {functions}} of the product; a header has inline ones."""
    known = {}
    for name in _tree.sources(base):
        known[name.rsplit("/", 1)[1]] = {
            _tree.function_name(signature) for _, signature, _ in _tree.functions(_tree.lines(base, name))}
    return known


def paragraphs(text):
    """(number of the first line, text) of each paragraph and list item."""
    start, part = 1, []
    for number, line in enumerate(text + [""], 1):
        if part and (not line.strip() or re.match(r"(\d+\.|#+|[-*]) ", line)):
            yield start, "\n".join(part)
            part = []
        if line.strip():
            start = start if part else number
            part.append(line)


def check_names(text, known):
    leader = None
    for start, part in paragraphs(text):
        if part.startswith("#"):
            leader = None   # a section stands alone
            continue
        files = [file for file, _ in NAMED.findall(part) if file]
        if files and (leader is None or re.match(r"(\d+\. )?`%s`" % re.escape(files[0]), part)):
            leader = files[0]
        for file in files:
            if file not in known:
                yield "%s:%d: there is no file %s" % (PAGE, start, file)
        files = files or [leader]
        for _, function in NAMED.findall(part):
            if function and not any(function in known.get(file, ()) for file in files + [leader]):
                yield "%s:%d: there is no %s() in %s" % (PAGE, start, function, " or ".join(filter(None, files)))


def stages_of(bodies, name):
    """What the function runs, in the place of functions that run stages these."""
    for called in STEP.findall(bodies.get(name, "")):
        if STEP.search(bodies.get(called, "")):
            yield from stages_of(bodies, called)
        else:
            yield called


def check_stages(base, text):
    lines = _tree.lines(base, SPINE)
    bodies = {_tree.function_name(signature): "\n".join(lines[start - 1:start - 1 + length])
              for start, signature, length in _tree.functions(lines)}
    real = [stage for name in WAY for stage in stages_of(bodies, name)]
    section = "\n".join(text).split("## The stages", 1)[-1].split("\n## ", 1)[0]
    told = re.findall(r"^\d+\. `(\w+)\(\)`", section, re.M)
    if not real or told != real:
        yield "%s:1: its stages are not those of %s: %s" % (PAGE, SPINE, ", ".join(real))


def main():
    base = _tree.root()
    text = _tree.lines(base, PAGE)
    _tree.finish(list(check_names(text, read_functions(base))) + list(check_stages(base, text)))


main()
