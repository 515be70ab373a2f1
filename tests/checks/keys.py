#!/usr/bin/env python3
"""Every configuration key stands in the sample, with its default, and in the manual; and no other does."""
import re

import _tree

SAMPLE, MANUAL = "etc/pldns.yaml", "docs/man/pldns.yaml.5"
ROW = re.compile(r'\{"([a-z][\w.]*)",\s*\w+(?:,\s*FIELD\([^)]*\),\s*"([^"]*)")?')


def of_code(base):
    """{key: (file, default or None)} of the table of keys in resolver/config*.c"""
    keys = {}
    for name in _tree.sources(base, ".c"):
        if name.startswith("resolver/config"):
            text = "\n".join(_tree.lines(base, name)).replace('PLDNS_SYSCONFDIR "', '"/etc')    # meson.build
            for table in re.findall(r"\bkeys\[\] = \{\n(.*?)\n\};", text, re.S):
                keys.update((key, (name, default or None)) for key, default in ROW.findall(table))
    return keys


def of_sample(base):
    """{key: (line, value)}: lines that begin with '#' and are not '# text'; two blanks indent."""
    keys, group = {}, ""
    for number, line in enumerate(_tree.lines(base, SAMPLE), 1):
        match = re.match(r"#(  )?(\w+):\s*(.*)$", line)
        if not match:
            continue
        indent, key, value = match.groups()
        if indent:
            keys[group + "." + key] = (number, value)
        elif value:
            keys[key] = (number, value)
        else:
            group = key
    return keys


def plain(value):
    """A value of the sample, as the table writes defaults: lists joined by commas, no quotes."""
    return ",".join(part.strip().strip('"') for part in value.strip("[]").split(","))


def of_manual(base):
    return {match.group(1): number for number, line in enumerate(_tree.lines(base, MANUAL), 1)
            if (match := re.match(r"\.It Ic ([\w.]+)", line))}


def main():
    base = _tree.root()
    code, sample, manual = of_code(base), of_sample(base), of_manual(base)
    complaints = [] if code else ["resolver/config.c:1: has no table of keys"]
    for key, (file, default) in code.items():
        if key not in sample:
            complaints.append("%s:1: does not show %s" % (SAMPLE, key))
        elif default is not None and plain(sample[key][1]) != default:
            complaints.append("%s:%d: %s is '%s' by default, in %s" % (SAMPLE, sample[key][0], key, default, file))
        if key not in manual:
            complaints.append("%s:1: does not explain %s" % (MANUAL, key))
    complaints += ["%s:%d: there is no key %s" % (SAMPLE, n, k) for k, (n, _) in sample.items() if k not in code]
    complaints += ["%s:%d: there is no key %s" % (MANUAL, n, k) for k, n in manual.items() if k not in code]
    _tree.finish(complaints)


main()
