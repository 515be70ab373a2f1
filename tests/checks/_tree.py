"""What the checks share: the files of the project, and a simple reading of our C style.

A check is run as: CHECK.py [ROOT].  It prints 'file:line: text' for each thing wrong and exits 1.
"""
import re
import subprocess
import sys
from pathlib import Path

SOURCE_FOLDERS = ("zones", "resolver", "ctl")


def root():
    """The project's root: the argument, or where this file lies."""
    return Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]


def files(base, *endings):
    """Files of the project below 'base', build folders aside, as sorted paths relative to it."""
    found = subprocess.run(["git", "-C", str(base), "ls-files", "-co", "--exclude-standard"],
                           capture_output=True, text=True, check=False)
    names = found.stdout.splitlines() if found.returncode == 0 else [
        str(p.relative_to(base)) for p in base.rglob("*") if p.is_file()]
    return sorted(n for n in names if (not endings or n.endswith(endings)) and (base / n).is_file())


def sources(base, *endings):
    """The C files of the product itself."""
    return [n for n in files(base, *(endings or (".c", ".h"))) if n.split("/")[0] in SOURCE_FOLDERS]


def lines(base, name):
    return (base / name).read_text(encoding="utf-8").split("\n")


def functions(text):
    """Every function definition as (line, signature, length of the body in lines).

    Our style puts the braces of a function, and only those, alone in the first column."""
    out, start = [], None
    for number, line in enumerate(text, 1):
        if line == "{" and start is None:
            start = number
        elif line == "}" and start is not None:
            out.append((start, _signature(text, start), number - start + 1))
            start = None
    return out


def _signature(text, brace):
    above = []
    for line in reversed(text[:brace - 1]):
        if not line.strip() or line.startswith(("}", "#")) or line.rstrip().endswith((";", "*/")):
            break
        above.insert(0, line.strip())
    return " ".join(above)


def function_name(signature):
    """The name before the parameter list; attributes and MUST_USE in front do not matter."""
    plain = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", signature)
    match = re.search(r"(\w+)\s*\(", plain)
    return match.group(1) if match else ""


def finish(complaints):
    for line in complaints:
        print(line)
    sys.exit(1 if complaints else 0)
