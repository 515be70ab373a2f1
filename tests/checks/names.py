#!/usr/bin/env python3
"""The name tells the file: one stem, one module; public functions carry the stem; headers are guarded."""
import re

import _tree


def check_stems(names):
    homes = {}
    for name in names:
        folder, file = name.rsplit("/", 1)
        homes.setdefault(file.rsplit(".", 1)[0], set()).add(folder)
    for stem, folders in sorted(homes.items()):
        if len(folders) > 1 and stem != "main":
            yield "%s/%s.c:1: the stem '%s' stands in %s" % (
                sorted(folders)[-1], stem, stem, " and ".join(sorted(folders)))


def modules_of(base, name):
    """The stem, and the modules that the file is a further part of: tablenear.c belongs to table.h, too."""
    folder, stem = name[:-2].rsplit("/", 1)
    return [stem] + [stem[:n] for n in range(3, len(stem)) if (base / folder / (stem[:n] + ".h")).exists()]


def check_functions(base, name):
    stem = name.rsplit("/", 1)[-1][:-2]
    for line, signature, _ in _tree.functions(_tree.lines(base, name)):
        function = _tree.function_name(signature)
        if re.search(r"\bstatic\b", signature) or function == "main":
            continue
        if function != stem and not any(function.startswith(s + "_") for s in modules_of(base, name)):
            yield "%s:%d: %s() is public and does not begin with '%s_'" % (name, line, function, stem)


def check_guard(base, name):
    guard = "PLDNS_%s_H" % re.sub(r"\W", "_", name.rsplit("/", 1)[-1][:-2]).upper()
    text = "\n".join(_tree.lines(base, name))
    if "#ifndef %s\n#define %s\n" % (guard, guard) not in text:
        yield "%s:1: wants the guard %s" % (name, guard)


def main():
    base = _tree.root()
    names = _tree.sources(base)
    complaints = list(check_stems(names))
    for name in names:
        complaints += check_functions(base, name) if name.endswith(".c") else check_guard(base, name)
    _tree.finish(complaints)


main()
