#!/usr/bin/env python3
"""The fields and words of attachment documents: the loader, the schema for editors, the page and the manual agree."""
import json
import re

import _tree

SCHEMA, PAGE, MANUAL = "docs/pldns-attachments.schema.json", "docs/attachments.md", "docs/man/pldns-attachments.5"

# Tables of fields in the loader, and the object of the schema that has them.
OBJECTS = {
    ("zones/document.c", "known_of_list"): "list",
    ("zones/reader.c", "known"): "connection",
    ("zones/reader.c", "known_of_service"): "service",
    ("zones/endpoint.c", "known"): "endpoint",
    ("zones/healthcheck.c", "known"): "healthCheck",
    ("zones/attachment.c", "known"): "attachedDomain",
    ("zones/attachment.c", "known_of_name"): "name",
}
# Tables of words, and where the schema has them.
WORDS = {
    ("zones/connection.c", "type_names"): ("connection", "type"),
    ("zones/connection.c", "domain_type_names"): ("attachedDomain", "type"),
    ("zones/reader.c", "words"): ("connection", "zoneFallback"),
}
TABLE = re.compile(r"static const char \*const (\w+)\[\] = \{(.*?)\};", re.S)


def of_code(base):
    """{(file, table): its texts}, of the tables that are asked for and of any other of fields."""
    tables = {}
    for name in _tree.sources(base, ".c"):
        if name.startswith("zones/"):
            for table, body in TABLE.findall((base / name).read_text(encoding="utf-8")):
                tables[name, table] = re.findall(r'"([^"]*)"', body)
    return {key: texts for key, texts in tables.items()
            if key in OBJECTS or key in WORDS or key[1].startswith("known")}


def of_schema(schema):
    """{object: {field: its words, None if any}}, from $defs."""
    found = {}
    for name, body in schema.get("$defs", {}).items():
        if "properties" in body:
            found[name] = {field: [w for w in what["enum"] if w is not None] if "enum" in what else None
                           for field, what in body["properties"].items()}
    return found


def differences(where, ours, theirs):
    yield from ("%s:1: %s lacks '%s'" % (SCHEMA, where, word) for word in ours if word not in theirs)
    yield from ("%s:1: %s has '%s', which the loader does not know" % (SCHEMA, where, word)
                for word in theirs if word not in ours)


def told(base, fields, words):
    page = (base / PAGE).read_text(encoding="utf-8")
    manual = (base / MANUAL).read_text(encoding="utf-8")
    for field in fields:
        if not re.search(r"`[\w.\[\]]*\b%s`" % field, page):
            yield "%s:1: does not tell of `%s`" % (PAGE, field)
        if not re.search(r"^\.(It )?Ic .*\b%s\b" % field, manual, re.M):
            yield "%s:1: does not tell of %s" % (MANUAL, field)
    for word in words:
        for name, text in ((PAGE, page), (MANUAL, manual)):
            if not re.search(r"\b%s\b" % word, text):
                yield "%s:1: does not tell of the word %s" % (name, word)


def main():
    base = _tree.root()
    code = of_code(base)
    schema = of_schema(json.loads((base / SCHEMA).read_text(encoding="utf-8")))
    complaints = ["%s:1: has no table '%s' any more" % key for key in (*OBJECTS, *WORDS) if key not in code]
    for key, texts in code.items():
        if key in OBJECTS:
            complaints += differences("the object '%s'" % OBJECTS[key], texts, schema.get(OBJECTS[key], {}))
        elif key in WORDS:
            name, field = WORDS[key]
            complaints += differences("'%s' of '%s'" % (field, name), texts, schema.get(name, {}).get(field) or [])
        else:
            complaints.append("%s:1: its table '%s' of fields is not known to this check" % key)
    fields = sorted({field for key in OBJECTS for field in code.get(key, [])})
    words = sorted({word for key in WORDS for word in code.get(key, [])})
    _tree.finish(complaints + list(told(base, fields, words)))


main()
