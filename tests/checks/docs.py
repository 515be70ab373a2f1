#!/usr/bin/env python3
"""What the documentation points at exists: links, sections, commands, manual pages; nothing is left open."""
import re

import _tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SECTION = re.compile(r'docs/(\w+)\.md "([^"]+)"|"([^"]+)" in docs/(\w+)\.md')
# Folders of one machine, and words for work put off.  Split, so that this file does not find itself.
FORBIDDEN = [re.compile(p) for p in (
    r"/wo" r"rk/", r"/ho" r"me/\w", r"/ro" r"ot/", r"\bTO" r"DO\b", r"\bFIX" r"ME\b", r"\bXX" r"X\b")]
BINARY = (".bin", ".png", ".gz")


def anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def headings(base, name):
    fenced, out = False, []
    for line in _tree.lines(base, name):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and re.match(r"#+ ", line):
            out.append(line.lstrip("#").strip())
    return out


def check_links(base, name):
    for number, line in enumerate(_tree.lines(base, name), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, part = target.partition("#")
            file = (base / name).parent / path if path else base / name
            if not file.exists():
                yield "%s:%d: %s does not exist" % (name, number, target)
            elif part and part not in [anchor(h) for h in headings(base, str(file.resolve().relative_to(base)))]:
                yield "%s:%d: %s has no section '%s'" % (name, number, path or name, part)


def check_sections(base, name, text):
    # A comment may be broken between the file's name and the title.
    flat = re.sub(r"\n\s*(\*|#|//)?\s*", " ", text)
    for match in SECTION.finditer(flat):
        file = match.group(1) or match.group(4)
        title = match.group(2) or match.group(3)
        path = "docs/%s.md" % file
        if not (base / path).exists() or title not in headings(base, path):
            yield '%s:1: there is no section "%s" in %s' % (name, title, path)


def check_open(name, text):
    for number, line in enumerate(text.split("\n"), 1):
        for pattern in FORBIDDEN:
            if pattern.search(line):
                yield "%s:%d: '%s' has no place here" % (name, number, pattern.search(line).group(0))


def check_commands(base):
    """./dev commands and programs that README shows in its code blocks."""
    known = re.findall(r"^  (\w+) ", "\n".join(_tree.lines(base, "dev")), re.M)
    for number, line in enumerate(_tree.lines(base, "README.md"), 1):
        for word in re.findall(r"\./dev (\w+)", line):
            if word not in known:
                yield "README.md:%d: ./dev has no command '%s'" % (number, word)
        for path in re.findall(r"(?<![\w/])\./(?!dev\b)([\w/.-]+)", line):
            if not (base / path).exists():
                yield "README.md:%d: ./%s does not exist" % (number, path)


def check_pages(base, names):
    readme = "\n".join(_tree.lines(base, "README.md"))
    installed = "\n".join(_tree.lines(base, "docs/meson.build"))
    for page in (n for n in names if n.startswith("docs/man/")):
        file = page.rsplit("/", 1)[1]
        title, section = file.rsplit(".", 1)
        if "%s(%s)" % (title, section) not in readme:
            yield "README.md:1: does not name %s(%s)" % (title, section)
        if file not in installed:
            yield "docs/meson.build:1: does not install %s" % file


def main():
    base, complaints = _tree.root(), []
    names = _tree.files(base)
    for name in names:
        if name.startswith("tests/fuzz/corpus/") or name.startswith("tests/data/") or name.endswith(BINARY):
            continue
        text = (base / name).read_text(encoding="utf-8", errors="replace")
        complaints += check_open(name, text)
        complaints += check_sections(base, name, text)
        if name.endswith(".md"):
            complaints += check_links(base, name)
    missing = [n for n in ("README.md", "docs/meson.build", "dev") if not (base / n).exists()]
    complaints += ["%s:1: is missing" % n for n in missing]
    if not missing:
        complaints += check_commands(base)
        complaints += check_pages(base, names)
    _tree.finish(complaints)


main()
