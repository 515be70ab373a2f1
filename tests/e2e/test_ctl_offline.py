"""pldnsctl check and explain on documents alone, without a daemon."""
import json
import os
import re

import pytest

from test_ctl import FINE, NO, ROOT, WRONG, ctl

GOOD = """
privateLinkConnectionId: plc-one
type: AWS_ENDPOINT_SERVICE
state: ACTIVE
endpoints: [{zone: use1-az1, addresses: [10.20.1.15]}, {zone: use1-az2, addresses: [10.20.2.15, "fd00::2"]}]
attachedDomains:
  - {type: TIDBCLOUD_MANAGED, uniqueName: dvs6nl5jgveztmla3pxkxgh76i}
"""
U = "dvs6nl5jgveztmla3pxkxgh76i.aws.plc.tidbcloud.com"
PENDING = """
privateLinkConnectionId: plc-two
type: AWS_ENDPOINT_SERVICE
state: PENDING_ACCEPTANCE
message: the service's owner has not accepted yet
endpoints: [{addresses: [10.20.3.15]}]
attachedDomains: [{type: CUSTOM, domains: [{name: db.example.com}]}]
"""


@pytest.fixture(name="documents")
def fixture_documents(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(PENDING)
    return tmp_path


# ---- check ---------------------------------------------------------------------------------------

def test_good_documents(documents):
    ran = ctl("check", documents)
    assert (ran.returncode, ran.stderr) == (FINE, "")
    assert ran.stdout == "2 documents, 2 connections: all is well\n"
    assert ctl("check", "--attachments", documents).stdout == ran.stdout
    assert ctl("check", documents / "one.yaml", documents / "two.yaml").stdout == ran.stdout


def test_the_samples_are_good():
    ran = ctl("check", ROOT / "etc" / "attachments.d")
    assert ran.returncode == FINE, ran.stdout


def test_every_mistake_is_told_with_its_place(documents):
    (documents / "bad.yaml").write_text(
        GOOD.replace("plc-one", "plc-bad").replace("uniqueName", "uniqename").replace("10.20.1.15", "10.20.1.500"))
    ran = ctl("check", documents)
    assert ran.returncode == WRONG
    lines = [line for line in ran.stdout.split("\n") if "/bad.yaml:" in line]
    assert all(re.match(r".*/bad\.yaml:\d+:\d+: (warning: )?\w", line) for line in lines)
    assert any(":5:" in line and "10.20.1.500" in line for line in lines)
    assert any(":7:" in line and "did you mean 'uniqueName'?" in line for line in lines)
    assert "1 document would be refused" in ran.stdout


def test_mistakes_that_are_too_many_to_list_are_counted(tmp_path):
    (tmp_path / "bad.yaml").write_text(PENDING.replace("{name: db.example.com}", ", ".join(["{name: a..b}"] * 1000)))
    ran = ctl("check", tmp_path)
    assert ran.returncode == WRONG and len(ran.stdout.splitlines()) == 202
    assert ran.stdout.endswith("/bad.yaml: 800 more complaints\n"
                               "1 document, 0 connections: 1000 errors, 0 warnings; 1 document would be refused\n")


def test_check_as_json(documents):
    (documents / "bad.yaml").write_text("a: [")
    ran = ctl("check", "-o", "json", documents)
    told = json.loads(ran.stdout)
    assert ran.returncode == WRONG and told["refused"] == 1 and told["errors"] >= 1
    bad = [d for d in told["documents"] if d["document"].endswith("/bad.yaml")][0]
    assert not bad["accepted"] and bad["complaints"][0]["severity"] == "error" and bad["complaints"][0]["line"] >= 1
    assert [d["accepted"] for d in told["documents"]].count(True) == 2


def test_warnings_count_only_when_strict(documents):
    (documents / "warn.yaml").write_text(PENDING.replace("plc-two", "plc-warn").replace("db.ex", "x.ex") + "ttl: 120\n")
    ran = ctl("check", documents)
    assert ran.returncode == FINE and ": warning: " in ran.stdout and "0 errors, 1 warning" in ran.stdout
    assert ctl("check", "--strict", documents).returncode == NO


def test_conflicts_between_documents(documents):
    (documents / "zzz.yaml").write_text(PENDING.replace("plc-two", "plc-three"))
    ran = ctl("check", documents)
    assert ran.returncode == WRONG and "zzz.yaml" in ran.stdout and "two.yaml" in ran.stdout and "db.example.com" in ran.stdout
    (documents / "zzz.yaml").write_text(PENDING.replace("db.example", "other.example"))
    ran = ctl("check", documents)
    assert ran.returncode == WRONG and "plc-two" in ran.stdout


def test_standard_input():
    assert ctl("check", "-", stdin=GOOD).returncode == FINE
    ran = ctl("check", "-", stdin="")
    assert ran.returncode == WRONG and ran.stdout.startswith("(standard input)")


def test_what_is_not_there():
    ran = ctl("check", "/nonexistent")
    assert ran.returncode == WRONG and "/nonexistent: No such file" in ran.stderr


def test_what_is_no_document(documents):
    (documents / "folder.yaml").mkdir()
    os.mkfifo(documents / "pipe.yaml")
    (documents / "gone.json").symlink_to(documents / "nowhere")
    (documents / "notes.txt").write_text("not looked at")
    (documents / ".hidden.yaml").write_text("nor is this")
    ran = ctl("check", documents)
    assert ran.returncode == WRONG and "3 documents would be refused" in ran.stdout
    assert "is a directory" in ran.stdout and "is not a regular file" in ran.stdout and "No such file" in ran.stdout


def test_an_empty_directory_is_fine(tmp_path):
    ran = ctl("check", tmp_path)
    assert ran.returncode == FINE and ran.stdout.startswith("0 documents, 0 connections")


def test_octets_of_a_document_do_not_reach_the_terminal(documents):
    (documents / "evil.yaml").write_text(PENDING.replace("plc-two", "plc-x").replace("state:", '"\\e[31m\\u009b": 1\nstate:'))
    out = ctl("check", documents).stdout
    assert "\033" not in out and "\u009b" not in out


BAD = sorted((ROOT / "tests" / "data" / "documents" / "bad").glob("*"))


@pytest.mark.parametrize("path", BAD, ids=[p.name for p in BAD])
def test_bad_documents(path):
    ran = ctl("check", path)
    assert ran.returncode == WRONG and ran.stderr == ""
    assert "error: " not in ran.stdout and "would be refused" in ran.stdout
    # What pldnsd says of it, warnings included, which tests/unit/test_document.c compares.
    if path.suffix == ".expected":
        return
    expected = path.with_suffix(".expected").read_text(errors="replace").replace(path.name + ":", str(path) + ":")
    assert ran.stdout.startswith(expected)


# ---- explain -------------------------------------------------------------------------------------

def explain(documents, *arguments):
    return ctl("explain", "--attachments", documents, *arguments)


def explained(documents, *arguments):
    ran = explain(documents, *arguments, "-o", "json")
    assert ran.returncode == FINE, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name, kind, told", [
    ("b1.use1-az1." + U, "A", {"owned": True, "rcode": "NOERROR", "rule": "*.use1-az1." + U, "zone": "use1-az1",
                               "connection": "plc-one", "state": "ACTIVE", "addresses": ["10.20.1.15"],
                               "document": "one.yaml", "line": 7, "ttl": 30}),
    ("B1.USE1-AZ1.%s." % U.upper(), "A", {"rule": "*.use1-az1." + U, "addresses": ["10.20.1.15"]}),
    ("b1." + U, "A", {"rule": "*." + U, "addresses": ["10.20.1.15", "10.20.2.15", "fd00::2"]}),
    ("b1.use1-az9." + U, "A", {"owned": True, "rcode": "NXDOMAIN"}),
    ("use1-az1." + U, "A", {"owned": True, "rcode": "NOERROR"}),
    ("db.example.com", "A", {"owned": True, "rcode": "SERVFAIL", "connection": "plc-two", "document": "two.yaml",
                             "message": "the service's owner has not accepted yet", "state": "PENDING_ACCEPTANCE"}),
    ("www.example.org", "A", {"owned": False, "outcome": "not owned"}),
    ("b1.use1-az1.unique_name.aws.plc.tidbcloud.com", "A", {"owned": False, "placeholder": True}),
])
def test_explain(documents, name, kind, told):
    got = explained(documents, name, kind)
    assert {k: got.get(k) for k in told} == told
    assert got["name"] == name.lower().rstrip(".") and got["type"] == kind


def test_explain_for_people(documents):
    ran = explain(documents, "b1." + U, "aaaa")
    assert (ran.returncode, ran.stderr) == (FINE, "")
    lines = [line.split(None, 1) for line in ran.stdout.split("\n")[1:-1]]
    assert ran.stdout.startswith("b1.%s AAAA\n" % U)
    assert ["reply", "AAAA fd00::2, TTL 30"] in lines and ["document", "one.yaml:7"] in lines
    assert "NOERROR, empty" in explain(documents, "b1.use1-az1." + U, "AAAA").stdout
    assert "NOERROR, empty" in explain(documents, "b1." + U, "TXT").stdout
    assert "not owned: forwarded" in explain(documents, "www.example.org").stdout


@pytest.mark.parametrize("kind, reply", [
    ("TYPE1", "A 10.20.1.15 10.20.2.15, TTL 30"), ("type0028", "AAAA fd00::2, TTL 30"),
    ("TYPE255", "HINFO, as for every name (RFC 8482)"), ("TYPE16", "NOERROR, empty: nothing of type TXT here"),
    ("TYPE65280", "NOERROR, empty: nothing of type TYPE65280 here"), ("SOA", "NOERROR, the SOA alone"),
])
def test_explain_says_what_a_query_of_that_type_gets(documents, kind, reply):
    lines = [line.split(None, 1) for line in explain(documents, "b1." + U, kind).stdout.splitlines()]
    assert ["reply", reply] in lines, lines


def test_explain_tells_the_near_miss(documents):
    out = explain(documents, "dvs6nl5jgveztmla3pxkxgh77i.aws.plc.tidbcloud.com").stdout
    assert "not owned" in out
    out = explain(documents, "db.example.com.svc.cluster.local").stdout
    assert "db.example.com is attached" in out


def test_explain_owned(documents):
    assert explain(documents, "--owned", "b1." + U).returncode == FINE
    assert explain(documents, "--owned", "www.example.org").returncode == NO


@pytest.mark.parametrize("arguments, said", [
    (["a..b"], "'a..b' is no name: "),
    ([64 * "x" + ".example"], "is no name: "),
    (["a.example", "AAAAA"], "did you mean AAAA?"),
    (["a.example", "TYPE65536"], "is no record type"),
    (["a.example", "TYPE252"], "is no record type"),    # as AXFR and its like by name
    (["a.example", "--server", "unix:/x"], "--attachments asks no daemon"),
])
def test_explain_wrong_use(documents, arguments, said):
    ran = explain(documents, *arguments)
    assert ran.returncode == WRONG and said in ran.stderr and ran.stdout == ""


def test_explain_without_the_refused(documents):
    (documents / "zero.yaml").write_text("a: [")
    ran = explain(documents, "db.example.com")
    assert ran.returncode == WRONG and "error: zero.yaml:" in ran.stderr and "two.yaml" in ran.stdout


def test_explain_the_samples():
    told = explained(ROOT / "etc" / "attachments.d", "b1.use1-az1.mrqwg4tfmq2tmnzygezdgnbvgy.aws.plc.tidbcloud.com")
    assert told["addresses"] == ["10.20.1.15"] and told["document"] == "kafka.yaml"
