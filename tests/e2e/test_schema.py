"""The schema for editors says what the loader says; and what the public API prints is a document as it comes."""
import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLDNS_BUILD", ROOT / "build" / "run"))
DOCUMENTS = ROOT / "tests" / "data" / "documents"
SCHEMA = json.loads((ROOT / "docs" / "pldns-attachments.schema.json").read_text(encoding="utf-8"))
API = json.loads((ROOT / "tests" / "data" / "api" / "private-link-connections.json").read_text(encoding="utf-8"))

# What a schema cannot tell: it sees the values of one YAML document, not how they are written, not how they hang
# together, not what they mean.
WRITTEN = {"anchor", "key_twice", "many_tag_directives", "message_with_nul", "tag", "tag_on_map", "ttl_octal"}
TOGETHER = {"custom_twice", "dns_name_below_own_domain", "dns_name_is_attached_host", "id_twice", "managed_on_azure",
            "health_check_timeout_longer_than_interval", "name_outside_its_domain", "names_too_long",
            "too_many_addresses_in_a_rule", "twice_in_two_connections", "typed_twice", "written_and_by_rule"}
MEANT = {"address_mapped", "too_many_ipv4", "too_many_ipv6"}
UNTOLD = WRITTEN | TOGETHER | MEANT


class Loader(yaml.SafeLoader):
    """Scalars as JSON has them, which is how editors read YAML 1.2."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]), ("bool", r"true|false", list("tf")),
                            ("int", r"[-+]?[0-9]+", list("-+0123456789")),
                            ("float", r"[-+]?[0-9]*\.[0-9]+(e[-+]?[0-9]+)?", list("-+.0123456789"))):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile("^(?:%s)$" % pattern), first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))


def complaints(path):
    """What the schema finds in each YAML document of the file; None: it is not YAML."""
    try:
        parts = [p for p in yaml.load_all(path.read_bytes(), Loader) if p is not None]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for part in parts for error in validator.iter_errors(part)] + ([] if parts else ["nothing"])


def files(folder):
    return [pytest.param(p, id=p.name) for p in sorted(folder.iterdir()) if p.suffix in (".yaml", ".yml", ".json")]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", files(ROOT / "etc" / "attachments.d") + files(DOCUMENTS / "good") +
                         files(DOCUMENTS / "good" / "shapes"))
def test_good_documents(path):
    assert not complaints(path)


@pytest.mark.parametrize("path", files(DOCUMENTS / "bad"))
def test_bad_documents(path):
    found = complaints(path)
    if found is not None:
        assert (path.stem in UNTOLD) == (not found), found


# ---- what the public API prints -------------------------------------------------------------------

TEXTS = {"privateLinkConnectionId": "plc-0f3k2m9x", "createTime": "2026-05-07T03:12:45Z", "updateTime": None,
         "uniqueName": "domnprzqrog.us-east-1", "clusterId": "10812345678901234567", "message": ""}


def made(name, kinds):
    """An object of the API with every field; 'kinds' says which of an enum's words to take."""
    return {field: value(name, field, kind, kinds) for field, kind in API[name].items()}


def value(name, field, kind, kinds):
    if isinstance(kind, dict):
        return kinds.get((name, field), kind["enum"][0])
    if isinstance(kind, list):
        return [value(name, field, kind[1], kinds)]
    if kind in API:
        return made(kind, kinds)
    if name == "Domain" and field == "name":
        return "*.%s" % kinds["root"]
    return TEXTS.get(field, 7 if kind == "integer" else "words of %s" % field)


def objects():
    """Of every type and state and domain type: {what: connection}."""
    for kind in API["PrivateLinkConnection"]["type"]["enum"]:
        cloud = kind.split("_")[0].lower()
        for state in API["PrivateLinkConnection"]["state"]["enum"]:
            for domain in API["AttachDomain"]["type"]["enum"]:
                unique = "domnprzqrog.us-east-1" if domain == "CONFLUENT" else "dvs6nl5jgveztmla3pxkxgh76i"
                suffix = "confluent.cloud" if domain == "CONFLUENT" else "plc.tidbcloud.com"
                got = made("PrivateLinkConnection", {
                    ("PrivateLinkConnection", "type"): kind, ("PrivateLinkConnection", "state"): state,
                    ("AttachDomain", "type"): domain, "root": "%s.%s.%s" % (unique, cloud, suffix)})
                got["attachedDomains"][0]["uniqueName"] = unique
                # Only one of the two services is told, of course.
                del got["alicloudEndpointService" if cloud == "aws" else "awsEndpointService"]
                yield "%s-%s-%s" % (cloud, state, domain), got


def check(*paths):
    ran = subprocess.run([BUILD / "ctl" / "pldnsctl", "check", *paths], capture_output=True, text=True, timeout=60,
                         check=False, env={k: v for k, v in os.environ.items() if not k.startswith("PLDNS")})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for path in paths:
        assert not complaints(path)
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("what, got", list(objects()), ids=[what for what, _ in objects()])
def test_what_get_prints_is_a_document(what, got, tmp_path):
    path = tmp_path / "got.json"
    path.write_text(json.dumps(got, indent=2), encoding="utf-8")
    said = check(path)
    assert ("no endpoint" in said) == ("-ACTIVE-" in what), said
    got["endpoints"] = [{"addresses": ["10.0.0.1"]}]
    path.write_text(json.dumps(got, indent=2), encoding="utf-8")
    assert re.findall(r"warning: (.*)", check(path)) == [
        "attachedDomains[0].domains[0].state: unknown state 'words of state' counts as usable"]


@pytest.mark.parametrize("total", [3, "3"])
@pytest.mark.parametrize("page", ["", "CAMQAw"])
def test_what_list_prints_is_a_document(total, page, tmp_path):
    """Proto's JSON has 64-bit integers as texts.  Without attachedDomains nothing is said of them."""
    connections = [got for _, got in list(objects())[:3]]
    for number, got in enumerate(connections):
        got["privateLinkConnectionId"] += "-%d" % number
        del got["attachedDomains"]
    answer = {"privateLinkConnections": connections, "nextPageToken": page, "totalSize": total}
    assert set(answer) == set(API["ListPrivateLinkConnectionsResponse"])
    path = tmp_path / "list.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    said = check(path)
    assert said.count("attachedDomains: absent") == 3 and ("more connections than this page" in said) == bool(page)


def test_every_field_of_the_api_stands_in_those_objects():
    def fields(thing):
        if isinstance(thing, dict):
            return set(thing).union(*(fields(v) for v in thing.values()))
        return set().union(*(fields(v) for v in thing)) if isinstance(thing, list) else set()
    told = set().union(*(fields(got) for _, got in objects()))
    assert told == set().union(*(set(API[n]) for n in API if n != "ListPrivateLinkConnectionsResponse"))
