#!/usr/bin/env python3
"""The checks themselves: each is run on a small tree with one thing wrong, and must say so."""
import subprocess
import sys
import tempfile
from pathlib import Path

import _tree

LEVELS = "folder zones zones\nfolder resolver zones resolver\nfolder ctl zones ctl\n" \
         "level 0 zones/low\nlevel 1 zones/high resolver/up\nlibrary yaml.h zones/low\n"
HEADER = "#ifndef PLDNS_%s_H\n#define PLDNS_%s_H\n#endif\n"
LOW, HIGH, UP = (HEADER % (n, n) for n in ("LOW", "HIGH", "UP"))
LOW = LOW.replace("#endif", "#include <yaml.h>\n#endif")
TREE = {"zones/low.h": LOW, "zones/high.h": HIGH, "resolver/up.h": UP, "tests/checks/levels": LEVELS,
        "tests/checks/excused": ""}
LONG = "void\nlow_long(void)\n{\n%s}\n"
DOCS = {"README.md": "# pldns\npldnsd(8)\n", "docs/meson.build": "'pldnsd.8'\n", "docs/man/pldnsd.8": "",
        "dev": "  run    build\n"}
DENY = "SystemCallFilter=@system-service\nSystemCallFilter=~@resources\n"
CALLS = 'void\nup_go(void)\n{\n    ioprio_set(1, 0, 0);\n    fopen("/proc/sys/x", "r");\n}\n'
UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart=/usr/sbin/pldnsd\n"
CONFIG = {"etc/pldns.yaml": "#workers: auto\n", "docs/man/pldns.yaml.5": ".It Ic workers\n"}
KEYS = 'static const struct key keys[] = {\n    {"workers", WORKERS},\n%s};\n'

SPINE = "static int\ndecode(int v)\n{\n}\n\nstatic int\nbegin_visit(int v)\n{\n    int step = decode(v);\n}\n"
TRAVELS = {"resolver/query.c": SPINE, "zones/low.c": "void\nlow_do(void)\n{\n}\n"}
TRAVEL = "docs/how-a-query-travels.md"
STAGES = "## The stages\n\nIn `query.c`:\n\n1. `decode()`\n"

KNOWN = 'static const char *const %s[] = {"%s", NULL};\n'
FIELDS = {
    "zones/document.c": KNOWN % ("known_of_list", "list"),
    "zones/reader.c": KNOWN % ("known", "id") + KNOWN % ("known_of_service", "id") + KNOWN % ("words", "strict"),
    "zones/endpoint.c": KNOWN % ("known", "id"), "zones/healthcheck.c": KNOWN % ("known", "id"),
    "zones/attachment.c": KNOWN % ("known", "id") + KNOWN % ("known_of_name", "id"),
    "zones/connection.c": KNOWN % ("type_names", "AWS") + KNOWN % ("domain_type_names", "CUSTOM"),
    "docs/attachments.md": "`list` `a.id` strict AWS CUSTOM\n",
    "docs/man/pldns-attachments.5": ".It Ic id , list\nstrict AWS CUSTOM\n",
}
SCHEMA = '{"$defs": {%s}}' % ", ".join('"%s": {"properties": {%s}}' % row for row in (
    ("list", '"list": {}'), ("service", '"id": {}'), ("endpoint", '"id": {}'), ("healthCheck", '"id": {}'),
    ("connection", '"id": {}, "type": {"enum": ["AWS"]}, "zoneFallback": {"enum": ["strict", null]}'),
    ("attachedDomain", '"id": {}, "type": {"enum": ["CUSTOM"]}'), ("name", '"id": {}')))
FIELDS["docs/pldns-attachments.schema.json"] = SCHEMA
# "type" and "zoneFallback" stand in the schema's maps, so the loader must know them too.
FIELDS["zones/reader.c"] = FIELDS["zones/reader.c"].replace('"id"', '"id", "type", "zoneFallback"', 1)
FIELDS["zones/attachment.c"] = FIELDS["zones/attachment.c"].replace('"id"', '"id", "type"', 1)
FIELDS["docs/attachments.md"] += "`type` `zoneFallback`\n"
FIELDS["docs/man/pldns-attachments.5"] += ".Ic type , zoneFallback\n"

SAID = """    fields_error(f, X, NULL, "'%.80s'" " is no");\n""" \
       """    if (x)\n        *why = "value, has %" PRIu64 " of \\"it\\""; /* "seen" nowhere */\n"""
SEEN = "tests/data/documents/bad/a.expected"

# check, files beside TREE (None: without it), a part of what it must say ("" = it must be content)
ROWS = [
    ("includes", {}, ""),
    ("includes", {"zones/low.c": '#include "low.h"\n#include "high.h"\n'}, 'zones/low.c:2: "high.h" (level 1)'),
    ("includes", {"zones/high.c": '#include "high.h"\n#include "up.h"\n'}, "zones/ must not include"),
    ("includes", {"ctl/tool.c": '#include "up.h"\n'}, "ctl/ must not include"),
    ("includes", {"zones/new.h": HEADER % ("NEW", "NEW")}, "zones/new.h:1: has no level"),
    ("includes", {"zones/low.h": HEADER % ("LOW", "LOW")}, "zones/low does not include <yaml.h> any more"),
    ("includes", {"zones/high.c": '#include "high.h"\n#include <yaml.h>\n'}, "<yaml.h> belongs to zones/low only"),
    ("includes", {"zones/high.c": '#include <stdio.h>\n#include "high.h"\n'}, "the first include"),
    ("includes", {"zones/high.c": '#include "high.h"\n#include "gone.h"\n'}, "no header of this project"),
    ("includes", {"tests/checks/levels": LEVELS + "level 0 zones/lowpart\n", "zones/lowpart.h": HEADER % ("A", "A"),
                  "zones/low.c": '#include "low.h"\n#include "lowpart.h"\n'}, ""),
    ("includes", {"resolver/up.h": None}, "there is no resolver/up any more"),
    ("sizes", {"zones/low.c": LONG % ("    ;\n" * 58)}, ""),
    ("sizes", {"zones/low.c": LONG % ("    ;\n" * 59)}, "low_long() has 61 lines"),
    ("sizes", {"zones/low.c": LONG % ("    ;\n" * 60), "tests/checks/excused": "zones/low.c:low_long why\n"}, ""),
    ("sizes", {"zones/low.c": LONG % ("    ;\n" * 99), "tests/checks/excused": "zones/low.c:low_long why\n"},
     "101 lines, 100 is the end"),
    ("sizes", {"zones/low.c": "\n" * 501}, "the file has 501 lines"),
    ("sizes", {"tests/checks/excused": "zones/low.c:gone why\n"}, "needs no excuse"),
    ("names", {"zones/low.c": "static int\nhelp(void)\n{\n}\n\nvoid\nlow_do(int a,\n       int b)\n{\n}\n"}, ""),
    ("names", {"zones/low.c": "int\nhelp(void)\n{\n}\n"}, "zones/low.c:3: help() is public"),
    ("names", {"ctl/low.c": ""}, "the stem 'low' stands in ctl and zones"),
    ("names", {"zones/low.h": "int x;\n"}, "wants the guard PLDNS_LOW_H"),
    ("keys", {**CONFIG, "resolver/config.c": KEYS % ""}, ""),
    ("keys", {**CONFIG, "resolver/config.c": KEYS % '    {"forward.timeout", X},\n'}, "forward.timeout"),
    ("keys", {**CONFIG, "resolver/config.c": KEYS % "", "etc/pldns.yaml": "#workers: 1\n#worker: 1\n"}, "worker"),
    ("fields", FIELDS, ""),
    ("fields", {**FIELDS, "zones/endpoint.c": KNOWN % ("known", 'id", "zone')}, "the object 'endpoint' lacks 'zone'"),
    ("fields", {**FIELDS, "docs/pldns-attachments.schema.json": SCHEMA.replace('"AWS"', '"AWS", "GCP"')},
     "has 'GCP', which the loader does not know"),
    ("fields", {**FIELDS, "docs/attachments.md": "`list` strict AWS CUSTOM `type` `zoneFallback`\n"},
     "docs/attachments.md:1: does not tell of `id`"),
    ("fields", {**FIELDS, "docs/man/pldns-attachments.5": ".Ic id , list , type , zoneFallback\nstrict AWS\n"},
     "does not tell of the word CUSTOM"),
    ("fields", {**FIELDS, "zones/new.c": KNOWN % ("known", "x")}, "zones/new.c:1: its table 'known'"),
    ("messages", {"zones/reader.c": SAID, SEEN: "a.yaml:1: 'x' is no\nvalue, has 3 of \"it\"\n"}, ""),
    ("messages", {"zones/reader.c": SAID, SEEN: "a.yaml:1: 'x' is no\n"}, """zones/reader.c:3: nothing shows 'value, has %d"""),
    ("messages", {"zones/reader.c": SAID, "tests/unit/test_a.c": 'f("x is no", "value, has 3 of \\"it\\"");\n'},
     "zones/reader.c:1: nothing shows ''%.80s' is no'"),
    ("messages", {"zones/claims.c": SAID, "tests/unit/test_a.c": """f("'x' is no", "value, has 3 of \\"it\\"");\n"""}, ""),
    ("docs", DOCS, ""),
    ("docs", {**DOCS, "docs/a.md": "[x](gone.md)\n"}, "docs/a.md:1: gone.md does not exist"),
    ("docs", {**DOCS, "docs/a.md": "# One\n[x](#two)\n"}, "no section 'two'"),
    ("docs", {**DOCS, "README.md": "pldnsd(8) ./dev fly\n"}, "no command 'fly'"),
    ("docs", {**DOCS, "README.md": "\n"}, "does not name pldnsd(8)"),
    ("docs", {**DOCS, "zones/low.c": "/* TO" "DO */\n"}, "has no place here"),
    ("docs", {**DOCS, "zones/low.c": '/* "None such" in ' 'docs/a.md */\n', "docs/a.md": "# One\n"}, "no section"),
    ("travels", {**TRAVELS, TRAVEL: STAGES + "\n## Then\n\n1. `low.c`: `low_do()`, not `decode()` of `query.c`\n"}, ""),
    ("travels", {**TRAVELS, TRAVEL: STAGES + "\n## Then\n\n1. `low.c`: `decode()`\n"}, "no decode() in low.c"),
    ("travels", {**TRAVELS, TRAVEL: STAGES + "\n`gone.c` did it\n"}, "no file gone.c"),
    ("travels", {**TRAVELS, TRAVEL: STAGES + "2. `decode()`\n"}, "its stages are not those"),
    ("format", {".clang-format": "BasedOnStyle: LLVM\n", "zones/low.c": "int  x;\n"}, "zones/low.c:1"),
    ("man", {"docs/man/x.1": ".Dd bad\n.Sh\n"}, "docs/man/x.1"),
    ("shell", {"a.sh": "#!/bin/sh\necho $1\n"}, "a.sh:2"),
    ("unit", {"contrib/x.service.in": UNIT + "Colour=red\n"}, "Colour"),
    ("unit", {"contrib/x.service.in": UNIT}, "security:"),
    ("unit", {"contrib/x.service.in": UNIT + DENY, "resolver/up.c": CALLS}, "denies ioprio_set(), which resolver/up.c calls"),
    ("unit", {"contrib/x.service.in": UNIT + "ProcSubset=pid\n", "resolver/up.c": CALLS}, "hides what resolver/up.c reads"),
]


def run(check, changes):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**TREE, **changes}.items():
            if text is not None:
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        program = Path(__file__).with_name(check + ".py")
        ran = subprocess.run([sys.executable, "-B", str(program), folder], capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout + ran.stderr


def main():
    complaints = []
    for number, (check, changes, wanted) in enumerate(ROWS, 1):
        status, said = run(check, changes)
        if (status != 1 or wanted not in said) if wanted else status:
            complaints.append("tests/checks/selfcheck.py: row %d, %s: exit %d, wants '%s', said: %s" % (
                number, check, status, wanted or "nothing", said.strip() or "nothing"))
    _tree.finish(complaints)


main()
