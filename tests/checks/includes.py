#!/usr/bin/env python3
"""Includes point downwards only, and every library has its home.  The table is tests/checks/levels."""
import re

import _tree

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def read_table(base):
    """(levels of modules, {folder: folders it may include}, [(library prefix, homes)])"""
    levels, folders, libraries = {}, {}, []
    for line in _tree.lines(base, "tests/checks/levels"):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "level":
            levels.update((name, int(words[1])) for name in words[2:])
        elif words[0] == "folder":
            folders[words[1]] = set(words[2:])
        else:
            libraries.append((words[1], set(words[2:])))
    return levels, folders, libraries


def one_family(module, target):
    """A module that was split: table.c, tablebuild.c and tablenear.c stand behind table.h together."""
    return module.startswith(target) or target.startswith(module)


def check_library(name, where, header, libraries):
    for prefix, homes in libraries:
        if header.startswith(prefix) and name.rsplit(".", 1)[0] not in homes:
            yield "%s: <%s> belongs to %s only" % (where, header, ", ".join(sorted(homes)) or "nobody")


def check_homes(base, names, libraries):
    """A home without its library is a line that nobody took back."""
    included = {(name.rsplit(".", 1)[0], match.group(2)) for name in names
                for match in map(INCLUDE.match, _tree.lines(base, name)) if match}
    for prefix, homes in libraries:
        for home in sorted(homes):
            if not any(module == home and header.startswith(prefix) for module, header in included):
                yield "tests/checks/levels:1: %s does not include <%s> any more" % (home, prefix)


def check_project(name, where, header, table, by_stem):
    levels, folders, _ = table
    module, target = name.rsplit(".", 1)[0], by_stem.get(header.rsplit(".", 1)[0])
    if header in ("build.h",):      # made by meson
        return
    if target is None:
        yield '%s: "%s" is no header of this project' % (where, header)
    elif one_family(module, target):
        return
    elif target.split("/")[0] not in folders[module.split("/")[0]]:
        yield '%s: %s/ must not include "%s" of %s/' % (where, module.split("/")[0], header, target.split("/")[0])
    elif module in levels and target in levels and levels[target] >= levels[module]:
        yield '%s: "%s" (level %d) is not below %s (level %d)' % (
            where, header, levels[target], module, levels[module])


def check_file(base, name, table, by_stem):
    module, first = name.rsplit(".", 1)[0], True
    if module not in table[0]:
        yield "%s:1: has no level in tests/checks/levels" % name
    for number, line in enumerate(_tree.lines(base, name), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, header = match.groups()
        where = "%s:%d" % (name, number)
        own = module.split("/")[-1] + ".h"
        if first and name.endswith(".c") and header != own and (base / (module + ".h")).exists():
            yield '%s: the first include of %s must be "%s"' % (where, name, own)
        first = False
        if kind == "<":
            yield from check_library(name, where, header, table[2])
        else:
            yield from check_project(name, where, header, table, by_stem)


def main():
    base = _tree.root()
    table = read_table(base)
    names = _tree.sources(base)
    by_stem = {n.rsplit("/", 1)[-1][:-2]: n[:-2] for n in names if n.endswith(".h")}
    complaints = [c for name in names for c in check_file(base, name, table, by_stem)]
    modules = {n.rsplit(".", 1)[0] for n in names}
    complaints += ["tests/checks/levels:1: there is no %s any more" % m for m in table[0] if m not in modules]
    complaints += check_homes(base, names, table[2])
    _tree.finish(complaints)


main()
