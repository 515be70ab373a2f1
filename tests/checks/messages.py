#!/usr/bin/env python3
"""Every complaint that zones/ can make is seen: in a file beside a document of tests/data/documents, or, where one
document cannot bring it about, in a unit test."""
import re

import _tree

# Each may have several texts: one in every call, or both sides of a '?:'.
CALL = re.compile(r"\b(?:fields_error|fields_warn|error_add|error_warn|COMPLAIN|refuse|complain_value)\s*\(")
WHY = re.compile(r"\*why\s*=\s*(?=[^;]*\")")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[diouxXcs]")

# What a document of a file cannot bring about, and where it is seen instead ("" = nowhere, and why).
ELSEWHERE = {
    "has %zu bytes; at most %u are read": "tests/unit/test_yamldoc.c",
    "more than %u values in one document": "tests/unit/test_yamldoc.c",
    "more than %u names in one document; split it": "tests/unit/test_document.c",
    "attachedDomains of '%s' is absent, while %u attached %s in service; the API's List leaves it out, its Get tells; "
    "write [] if there are none any more": "tests/unit/test_document.c",
    "no memory to read it": "",     # libyaml's own; elsewhere its lack ends the program
    "the table is full: all its names together would take more than %d octets": "",     # takes gigabytes
}
# Of the configuration, which has checks of its own.
OTHERS = {"netblock", "view", "viewread"}
# Modules that read one document.  The others complain of several, or of what is no document.
OF_DOCUMENTS = {"attachment", "document", "domain", "endpoint", "fields", "healthcheck", "hostname", "overlap", "reader",
                "yamldoc"}


def arguments(text, start):
    """The arguments of a call whose '(' ends before 'start', as they are written."""
    depth, at, out, begin = 1, start, [], start
    while depth:
        literal = LITERAL.match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if (text[at] == "," and depth == 1) or depth == 0:
            out.append(text[begin:at])
            begin = at + 1
        at += 1
    return out


def texts(argument):
    """The literals of an argument, those side by side joined; what a macro puts between them is a %s."""
    out, end = [], None
    for match in LITERAL.finditer(argument):
        between = None if end is None else argument[end:match.start()].strip()
        if between is None or not re.fullmatch(r"[A-Z_]*|PRI[a-zA-Z0-9]+", between):
            out.append("")
        elif between.startswith("PRI"):
            out[-1] += "d"      # behind its '%'
        elif between:
            out[-1] += "%s"
        out[-1] += match.group(1)
        end = match.end()
    # A PRId64 at the end has nothing behind it.
    return [re.sub(r"(?<!%)%$", "%d", re.sub(r"\\(.)", r"\1", text)) for text in out]


def code(base, name):
    """Without comments, and without quotes that are characters; lines stay where they are."""
    text = (base / name).read_text(encoding="utf-8").replace("'\"'", "' '")
    return re.sub(r'("(?:[^"\\]|\\.)*")|/\*.*?\*/', lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def complaints_of(base, name):
    """{text: line}"""
    text = code(base, name)
    found = {}
    for match in CALL.finditer(text):
        if text[match.start() - 1] == " " and text[:match.start()].rstrip().endswith(("bool", "void")):
            continue    # its own definition
        with_text = [a for a in arguments(text, match.end()) if '"' in a]
        for one in texts(with_text[0]) if with_text else []:
            found.setdefault(one, text.count("\n", 0, match.start()) + 1)
    for match in WHY.finditer(text):
        for one in texts(text[match.end():text.index(";", match.end())]):
            found.setdefault(one, text.count("\n", 0, match.start()) + 1)
    return {one: line for one, line in found.items() if re.search(r"[a-z]", CONVERSION.sub("", one))}


def pattern(text):
    return re.compile(".*".join(re.escape(part.replace("%%", "%")) for part in CONVERSION.split(text)))


def strings(base, name):
    return "\n".join(texts(code(base, name)))


def main():
    base, complaints = _tree.root(), []
    names = _tree.files(base)
    seen = "\n".join((base / n).read_text(encoding="utf-8") for n in names
                     if n.startswith("tests/data/documents/") and n.endswith(".expected"))
    units = {n: strings(base, n) for n in names if n.startswith("tests/unit/") and n.endswith(".c")}
    for name in names:
        module = name[len("zones/"):-len(".c")]
        if not (name.startswith("zones/") and name.endswith(".c")) or module in OTHERS:
            continue
        strict = module in OF_DOCUMENTS
        for text, line in complaints_of(base, name).items():
            wanted = pattern(text)
            if wanted.search(seen) or (not strict and any(wanted.search(u) for u in units.values())):
                if text in ELSEWHERE:
                    complaints.append("tests/checks/messages.py:1: '%s' is seen beside a document" % text)
            elif text not in ELSEWHERE:
                complaints.append("%s:%d: nothing shows '%s'" % (name, line, text))
            elif ELSEWHERE[text] and not wanted.search(units.get(ELSEWHERE[text], "")):
                complaints.append("%s:%d: %s does not show '%s'" % (name, line, ELSEWHERE[text], text))
    _tree.finish(complaints)


main()
