"""pldnsctl list, get, zones, create, delete, attach-domains, detach-domains: on directories alone, and beside a
daemon that serves them."""
import concurrent.futures
import fcntl
import json
import os
import pty
import random
import re
import resource
import subprocess

import pytest

from conftest import PLDNSCTL, SLACK, custom, document, managed, unique
from test_ctl import FINE, NO, ROOT, TIMEOUT, UNREACHABLE, WRONG, ctl

U = "dvs6nl5jgveztmla3pxkxgh76i"
AWS = ".aws.plc.tidbcloud.com"
KAFKA = """\
# The kafka of the shop.
privateLinkConnectionId: plc-one   # as ticloud prints it
clusterId: "108"
displayName: 'kafka — prod'
type: AWS_ENDPOINT_SERVICE
state: ACTIVE
endpoints:
- zone: use1-az1
  addresses: [10.20.1.15]
- zone: use1-az2
  addresses: [10.20.2.15, "fd00::2"]
attachedDomains:
- attachDomainId: ad-1     # the first one
  type: TIDBCLOUD_MANAGED
  uniqueName: %s

# how long clients may keep it
ttl: 20
""" % U
LIST = json.dumps({"privateLinkConnections": [
    {"privateLinkConnectionId": "plc-two", "clusterId": "109", "type": "ALICLOUD_ENDPOINT_SERVICE", "state": "CREATING",
     "endpoints": [{"zone": "ap-southeast-1a", "addresses": ["10.30.1.15"], "state": "Connected"}], "attachedDomains": []},
    {"privateLinkConnectionId": "plc-three", "clusterId": "108", "type": "AWS_ENDPOINT_SERVICE",
     "endpoints": [{"addresses": ["10.30.2.15"]}], "attachedDomains": [
         {"attachDomainId": "ad-9", "type": "CUSTOM", "domains": [{"name": "db.example.com"}]}]}]}, indent=2) + "\n"


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "kafka.yaml").write_text(KAFKA)
    (folder / "list.json").write_text(LIST)
    return folder


def names(folder, *arguments):
    got = json.loads(ctl("get", *arguments, "-a", folder, "-o", "json").stdout)
    return [d["name"] for a in got["attachedDomains"] for d in a["domains"]]


def is_clean(folder):
    """Nothing half-written is left."""
    return not [p for p in folder.iterdir() if p.name.startswith(".")]


# ---- reading -------------------------------------------------------------------------------------

def test_list(folder):
    ran = ctl("list", "-a", folder)
    assert (ran.returncode, ran.stderr) == (FINE, "")
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert rows[0][:4] == ["ID", "NAME", "TYPE", "STATE"] and rows[1][0] == "plc-one" and rows[1][-1] == "kafka.yaml:2"
    assert [row[0] for row in rows[1:]] == ["plc-one", "plc-two", "plc-three"]
    told = json.loads(ctl("list", "-a", folder, "-o", "json").stdout)
    assert told["totalSize"] == 3 and told["privateLinkConnections"][1:] == json.loads(LIST)["privateLinkConnections"]
    assert told["privateLinkConnections"][0]["ttl"] == 20 and told["privateLinkConnections"][0]["clusterId"] == "108"
    of_cluster = json.loads(ctl("list", "-c", "108", "-a", folder, "-o", "json").stdout)
    assert [c["privateLinkConnectionId"] for c in of_cluster["privateLinkConnections"]] == ["plc-one", "plc-three"]


def test_a_refused_document_does_not_hide_the_others(folder):
    (folder / "bad.yaml").write_text("a: [")
    ran = ctl("list", "-a", folder)
    assert ran.returncode == WRONG and "bad.yaml:" in ran.stderr and "plc-three" in ran.stdout


@pytest.mark.parametrize("command", ["get", "describe"])
def test_get(folder, command):
    told = json.loads(ctl(command, "plc-one", "-a", folder, "-o", "json").stdout)
    assert told["displayName"] == "kafka — prod"
    assert [d["name"] for d in told["attachedDomains"][0]["domains"]] == [
        "*." + U + AWS, "*.use1-az1." + U + AWS, "*.use1-az2." + U + AWS]
    people = ctl(command, "--private-link-connection-id", "plc-one", "-a", folder).stdout
    assert "ad-1" in people and "10.20.2.15, fd00::2" in people and "*.use1-az2." + U + AWS in people
    assert "kafka.yaml:2" in people
    yaml = ctl(command, "plc-three", "-a", folder, "-o", "yaml").stdout
    assert "attachDomainId: ad-9" in yaml


def test_what_get_prints_is_a_document(folder, tmp_path):
    (tmp_path / "again.json").write_text(ctl("get", "plc-one", "-a", folder, "-o", "json").stdout)
    (tmp_path / "again.yaml").write_text(ctl("get", "plc-three", "-a", folder, "-o", "yaml").stdout)
    (tmp_path / "list.yaml").write_text(ctl("list", "-a", folder, "-o", "yaml").stdout)
    for name in ("again.json", "again.yaml", "list.yaml"):
        assert ctl("check", tmp_path / name).returncode == FINE, name


def test_zones(folder):
    told = json.loads(ctl("zones", "-a", folder, "-o", "json").stdout)
    assert told["azIds"] == ["use1-az1", "use1-az2", "ap-southeast-1a"]
    assert told["zones"]["use1-az1"] == [{"addresses": ["10.20.1.15"], "privateLinkConnectionId": "plc-one"}]
    assert "ap-southeast-1a  plc-two     10.30.1.15" in ctl("zones", "-a", folder).stdout


@pytest.mark.parametrize("arguments, code, said", [
    (["get", "plc-four"], NO, "no connection 'plc-four'"),
    (["get"], WRONG, "which connection?"),
    (["get", "plc-one", "--id", "plc-two"], WRONG, "two connections"),
    (["get", "plc-one", "-c", "109"], NO, "not of cluster 109"),
    (["attach-domains", "plc-one"], WRONG, "--type is missing"),
    (["attach-domains", "plc-one", "--type", "TIDBCLOUD_MANAGED"], WRONG, "--dry-run makes one"),
    (["attach-domains", "plc-one", "--type", "CONFLUENT", "--dry-run"], WRONG, "--unique-name is missing"),
    (["attach-domains", "plc-one", "--type", "CUSTOM"], WRONG, "--domain"),
    (["attach-domains", "plc-one", "--type", "CONFLUNT", "--unique-name", "a.b"], WRONG, "did you mean"),
    (["attach-domains", "plc-one", "--type", "CONFLUENT", "--unique-name", "prod"], WRONG, "<network>.<region>"),
    (["attach-domains", "plc-one", "--type", "CUSTOM", "--domain", "db.example.com"], WRONG, "list.json:"),
    (["attach-domains", "plc-one", "--type", "TIDBCLOUD_MANAGED", "--unique-name", U], WRONG, "kafka.yaml:"),
    (["detach-domains", "plc-one"], WRONG, "which domain?"),
    (["detach-domains", "plc-one", "--attach-domain-id", "ad-2"], NO, "no attached domain"),
    (["delete", "plc-one"], NO, "--force"),
    (["delete", "plc-none", "--force"], NO, "no connection"),
    (["create", "plc-one", "--type", "AWS_ENDPOINT_SERVICE"], NO, "there already, in kafka.yaml:2"),
    (["create", "plc-new"], WRONG, "--type is missing"),
    (["create", "plc/new", "--type", "AWS_ENDPOINT_SERVICE"], WRONG, "is no id"),
    (["create", "plc-new", "--type", "AWS"], WRONG, "type"),
    (["create", "plc-new", "--type", "AWS_ENDPOINT_SERVICE", "--endpoint", "use1-az1=10.0.0.300"], WRONG, "10.0.0.300"),
])
def test_refusals_write_nothing(folder, arguments, code, said):
    ran = ctl(*arguments, "-a", folder, stdin="")
    assert ran.returncode == code and said in ran.stderr, ran.stderr
    assert (folder / "kafka.yaml").read_text() == KAFKA and (folder / "list.json").read_text() == LIST
    assert sorted(p.name for p in folder.iterdir()) == ["kafka.yaml", "list.json"]


# ---- attach and detach ---------------------------------------------------------------------------

def test_dry_run_makes_a_name_and_writes_nothing(folder):
    seen = set()
    for _ in range(3):
        ran = ctl("attach-domains", "plc-one", "--type", "TIDBCLOUD_MANAGED", "--dry-run", "-a", folder)
        match = re.match(r"unique name ([a-z2-7]{26}):\n", ran.stdout)
        assert ran.returncode == FINE and match
        made = match.group(1)
        seen.add(made)
        assert ran.stdout.splitlines()[1:] == ["*." + made + AWS, "*.use1-az1." + made + AWS, "*.use1-az2." + made + AWS]
        # A UUID of version 4: octet 6 begins with 0100, octet 8 with 10.
        bits = "".join(format("abcdefghijklmnopqrstuvwxyz234567".index(c), "05b") for c in made)
        assert bits[48:52] == "0100" and bits[64:66] == "10" and bits[128:] == "00"
    assert len(seen) == 3 and (folder / "kafka.yaml").read_text() == KAFKA
    told = json.loads(ctl("attach-domains", "plc-one", "--type", "TIDBCLOUD_MANAGED", "--dry-run", "-a", folder,
                          "-o", "json").stdout)
    assert re.fullmatch("[a-z2-7]{26}", told["uniqueName"]) and len(told["domains"]) == 3 and "attachDomainId" not in told


def test_attach_and_detach_leave_the_rest_as_it_was(folder):
    ran = ctl("attach-domains", "plc-one", "--type", "CONFLUENT", "--unique-name", "domnprzqrog.us-east-1", "-a", folder,
              "-o", "json")
    told = json.loads(ran.stdout)
    assert told["privateLinkConnectionId"] == "plc-one" and told["clusterId"] == "108"
    assert told["domains"][0] == {"name": "*.domnprzqrog.us-east-1.aws.confluent.cloud"}
    added = "- attachDomainId: %s\n  type: CONFLUENT\n  uniqueName: domnprzqrog.us-east-1\n" % told["attachDomainId"]
    head, tail = KAFKA.split("\n\n# how long")
    assert (folder / "kafka.yaml").read_text() == head + "\n" + added + "\n# how long" + tail
    ran = ctl("detach-domains", "plc-one", "--attach-domain-id", told["attachDomainId"], "-a", folder)
    assert ran.returncode == FINE and ran.stdout.startswith("detached:\n*.domnprzqrog")
    assert (folder / "kafka.yaml").read_text() == KAFKA
    assert ctl("detach-domains", "plc-one", "--unique-name", U, "-a", folder).returncode == FINE
    assert "attachedDomains: []\n" in (folder / "kafka.yaml").read_text() and names(folder, "plc-one") == []
    assert "# The kafka of the shop." in (folder / "kafka.yaml").read_text() and is_clean(folder)


def test_line_ends_and_byte_order_mark_stay(folder):
    before = b"\xef\xbb\xbf" + KAFKA.replace("\n", "\r\n").encode()
    (folder / "kafka.yaml").write_bytes(before)
    ran = ctl("attach-domains", "plc-one", "--type", "CUSTOM", "--domain", "db.shop.example", "-a", folder)
    assert (ran.returncode, ran.stderr) == (FINE, "")
    after = (folder / "kafka.yaml").read_bytes()
    assert after.count(b"\n") == after.count(b"\r\n") > before.count(b"\n") and b"db.shop.example" in after
    assert after.startswith(before[:before.index(b"attachedDomains")]) and after.endswith(b"ttl: 20\r\n")


def test_json_stays_json(folder):
    before = json.loads((folder / "list.json").read_text())
    assert ctl("attach-domains", "plc-two", "--type", "TIDBCLOUD_MANAGED", "--unique-name", U, "-a", folder).returncode == FINE
    text = (folder / "list.json").read_text()
    after = json.loads(text)
    item = after["privateLinkConnections"][0]["attachedDomains"].pop()
    assert item["uniqueName"] == U and after == before
    assert json.dumps(json.loads(text), indent=2) + "\n" == text


def test_dedicated_and_custom(folder):
    assert ctl("attach-domains", "plc-three", "--type", "TIDBCLOUD_DEDICATED", "--unique-name", "abc", "--region", "us-west-2",
               "--cloud", "aws", "--project-id", "319", "-a", folder).returncode == FINE
    assert ctl("attach-domains", "plc-three", "--type", "CUSTOM", "--domain", "a.example.net", "--domain", "*.b.example.net",
               "-a", folder).returncode == FINE
    assert names(folder, "plc-three") == ["db.example.com", "*.abc.us-west-2.aws.319.tidbcloud.com", "a.example.net",
                                          "*.b.example.net"]


STYLES = [
    "privateLinkConnectionId: plc-x\ntype: AWS_ENDPOINT_SERVICE\nendpoints: [{addresses: [10.0.0.1]}]\n",
    "privateLinkConnectionId: plc-x\ntype: AWS_ENDPOINT_SERVICE\nattachedDomains:\nendpoints:\n  - addresses:\n    - 10.0.0.1",
    "{privateLinkConnectionId: plc-x, type: AWS_ENDPOINT_SERVICE, attachedDomains: [], endpoints: [{addresses: [10.0.0.1]}]}",
    '{"privateLinkConnectionId":"plc-x","type":"AWS_ENDPOINT_SERVICE","endpoints":[{"addresses":["10.0.0.1"]}]}',
    "privateLinkConnections:\n  # one\n  - privateLinkConnectionId: plc-x\n    type: AWS_ENDPOINT_SERVICE\n    endpoints:\n"
    "      - addresses: [10.0.0.1]\n    attachedDomains: [] # none\n  # two\n  - privateLinkConnectionId: plc-y\n"
    "    type: AWS_ENDPOINT_SERVICE\n    attachedDomains: []\n",
    "---\nprivateLinkConnectionId: plc-y\ntype: AWS_ENDPOINT_SERVICE\nattachedDomains: []\n---\n\n# x\ntype: AWS_ENDPOINT_SERVICE\n"
    "privateLinkConnectionId: plc-x\nattachedDomains: []\nendpoints: [{addresses: [10.0.0.1]}]\n...\n",
    "displayName: >\n  long\n  text\nprivateLinkConnectionId: plc-x\r\ntype: AWS_ENDPOINT_SERVICE\r\nmessage: |\n  x\n",
]


@pytest.mark.parametrize("style", range(len(STYLES)))
def test_every_style_can_be_edited(tmp_path, style):
    path = tmp_path / "x.yaml"
    path.write_text(STYLES[style], newline="")
    others = json.loads(ctl("list", "-a", tmp_path, "-o", "json").stdout)
    ids = []
    for n in range(3):
        ran = ctl("attach-domains", "plc-x", "--type", "CUSTOM", "--domain", "h%d.example.net" % n, "-a", tmp_path, "-o", "json")
        assert ran.returncode == FINE, ran.stderr
        ids.append(json.loads(ran.stdout)["attachDomainId"])
    assert names(tmp_path, "plc-x") == ["h0.example.net", "h1.example.net", "h2.example.net"]
    for comment in re.findall("#.*", STYLES[style]):
        assert comment.strip() in path.read_text()
    for n in (1, 2, 0):
        assert ctl("detach-domains", "plc-x", "--attach-domain-id", ids[n], "-a", tmp_path).returncode == FINE
    after = json.loads(ctl("list", "-a", tmp_path, "-o", "json").stdout)
    for one in others["privateLinkConnections"] + after["privateLinkConnections"]:
        if not one.get("attachedDomains"):
            one["attachedDomains"] = []
    assert after == others
    assert ctl("delete", "plc-x", "-a", tmp_path, "--force").returncode == FINE
    left = json.loads(ctl("list", "-a", tmp_path, "-o", "json").stdout)["privateLinkConnections"]
    assert [c["privateLinkConnectionId"] for c in left] == (["plc-y"] if "plc-y" in STYLES[style] else [])


IN_BRACKETS = """\
privateLinkConnectionId: plc-x
type: AWS_ENDPOINT_SERVICE
endpoints: []
attachedDomains: [
  {attachDomainId: ad-1, type: CUSTOM, domains: [{name: a.example.net}]}, # one
  {attachDomainId: ad-2, type: CUSTOM, domains: [{name: b.example.net}]}, # two
  # above three
  {attachDomainId: ad-3, type: CUSTOM, domains: [{name: c.example.net}]}  # three
]
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_comments_in_brackets_stay_with_their_item(tmp_path, ends):
    path, lines = tmp_path / "x.yaml", IN_BRACKETS.splitlines()

    def detached(number):
        path.write_text(ends.join(lines) + ends, newline="")
        assert ctl("detach-domains", "plc-x", "--attach-domain-id", "ad-%d" % number, "-a", tmp_path).returncode == FINE
        assert ctl("check", tmp_path).returncode == FINE
        return path.read_bytes().decode().split(ends)[:-1]

    assert detached(1) == lines[:4] + lines[5:]
    assert detached(2) == lines[:5] + lines[6:]
    assert detached(3) == lines[:5] + [lines[5].replace(", # two", " # two"), lines[6], lines[8]]
    path.write_text(ends.join(lines) + ends, newline="")
    assert ctl("attach-domains", "plc-x", "--type", "CUSTOM", "--domain", "d.example.net", "-a", tmp_path).returncode == FINE
    got = path.read_bytes().decode().split(ends)[:-1]
    assert got[:7] + [got[-1]] == lines[:7] + ["]"] and got[7] == lines[7].replace("  # three", ",  # three")
    assert len(got) == 10 and got[8].startswith("  {attachDomainId: ") and got[8].endswith("d.example.net}]}")
    assert ctl("check", tmp_path).returncode == FINE


def in_lines(items, draw):
    """In brackets, one item a line or nearly so, with comments."""
    note = lambda: draw.choice(["", "", "  # note %d" % draw.randrange(1000)])
    text = "[" + note()
    for n, item in enumerate(items):
        above = draw.choice(["", "", "\n        # above"])
        comma = "" if n + 1 == len(items) else ","
        if draw.random() < 0.15 and comma:
            text += above + "\n        " + item + note() + "\n      " + comma
        elif draw.random() < 0.15:
            text += " " + item + comma if "#" not in text.split("\n")[-1] else "\n        " + item + comma
        else:
            text += above + "\n        " + item + (comma or draw.choice(["", ","])) + note()
    return text + ("\n        ]" if "#" in text.split("\n")[-1] else draw.choice(["\n        # end\n        ]", " ]", "\n        ]"]))


def styled(value, draw, depth=0, flow=False):
    """The value as YAML, each map and list in one of the ways that people write them."""
    if not isinstance(value, (dict, list)):
        return json.dumps(value) if draw.random() < 0.3 or not re.fullmatch("[a-z][a-z0-9-]+", str(value)) else value
    flow = flow or draw.random() < 0.25 or not value
    if flow:
        if isinstance(value, list) and draw.random() < 0.4:
            return in_lines([styled(v, draw, 0, True) for v in value], draw)
        if isinstance(value, list):
            return "[" + ", ".join(styled(v, draw, 0, True) for v in value) + "]"
        return "{" + ", ".join("%s: %s" % (k, styled(v, draw, 0, True)) for k, v in value.items()) + "}"
    lines, blanks = [], " " * depth
    for entry in value.items() if isinstance(value, dict) else value:
        head, child = (entry[0] + ":", entry[1]) if isinstance(value, dict) else ("-", entry)
        if draw.random() < 0.2:
            lines.append(blanks + "# note %d" % draw.randrange(1000))
        deeper = depth + draw.choice([2, 4])
        text = styled(child, draw, deeper)
        if text.startswith(" "):
            lines.append(blanks + head + "\n" + text)
        else:
            lines.append(blanks + head + " " + text.strip() + draw.choice(["", "", "  # behind"]))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(40))
def test_random_styles(tmp_path, seed):
    draw = random.Random(seed)
    connections = []
    for c in range(draw.randrange(1, 4)):
        connections.append({
            "privateLinkConnectionId": "plc-%d" % c, "type": "AWS_ENDPOINT_SERVICE", "displayName": "some-name",
            "endpoints": [{"zone": "use1-az%d" % z, "addresses": ["10.0.%d.1" % z]} for z in range(1, draw.randrange(2, 4))],
            "attachedDomains": [{"attachDomainId": "ad-%d" % d, "type": "CUSTOM",
                                 "domains": [{"name": "h%d-%d.example.net" % (c, d)}]} for d in range(draw.randrange(0, 4))]})
    (tmp_path / "x.yaml").write_text(styled({"privateLinkConnections": connections}, draw) + draw.choice(["", "\n"]))
    for _ in range(4):
        connection = draw.choice(connections)
        domains, name = connection["attachedDomains"], connection["privateLinkConnectionId"]
        if domains and draw.random() < 0.5:
            gone = domains.pop(draw.randrange(len(domains)))
            ran = ctl("detach-domains", name, "--attach-domain-id", gone["attachDomainId"], "-a", tmp_path)
        else:
            new = "new%d.example.net" % draw.randrange(10 ** 9)
            ran = ctl("attach-domains", name, "--type", "CUSTOM", "--domain", new, "-a", tmp_path, "-o", "json")
            if ran.returncode == FINE:
                made = json.loads(ran.stdout)
                domains.append({"attachDomainId": made["attachDomainId"], "type": "CUSTOM", "domains": [{"name": new}]})
        assert ran.returncode == FINE, ran.stderr + (tmp_path / "x.yaml").read_text()
    told = json.loads(ctl("list", "-a", tmp_path, "-o", "json").stdout)["privateLinkConnections"]
    assert told == connections


# ---- create and delete ---------------------------------------------------------------------------

def test_create_from_options(tmp_path):
    ran = ctl("create", "--display-name", "kafka", "-c", "108", "--type", "AWS_ENDPOINT_SERVICE",
              "--aws.endpoint-service-name", "com.amazonaws.vpce.us-east-1.vpce-svc-0", "--endpoint", "use1-az1=10.0.0.1,fd00::1",
              "--endpoint-dns", "use1-az2=vpce-0.example.net", "-a", tmp_path, "-o", "json")
    told = json.loads(ran.stdout)
    assert ran.returncode == FINE and re.fullmatch("plc-[a-z2-7]{10}", told["privateLinkConnectionId"])
    assert told["endpoints"] == [{"zone": "use1-az1", "addresses": ["10.0.0.1", "fd00::1"]},
                                 {"zone": "use1-az2", "dnsName": "vpce-0.example.net"}]
    assert told["awsEndpointService"] == {"name": "com.amazonaws.vpce.us-east-1.vpce-svc-0"} and told["state"] == "ACTIVE"
    path = tmp_path / (told["privateLinkConnectionId"] + ".yaml")
    assert path.read_text().startswith("privateLinkConnectionId: plc-") and oct(path.stat().st_mode)[-3:] == "644"
    assert ctl("check", tmp_path).returncode == FINE


@pytest.mark.parametrize("option, value", [
    ("--display-name", b"caf\xe9"), ("--endpoint", b"use1-az\xe9=10.0.0.1"), ("--endpoint-dns", b"use1-az\xe9=a.example"),
    ("--cluster-id", b"\xff1"), ("--aws.endpoint-service-name", b"com.\xc3"),
])
def test_what_no_document_can_hold_is_refused(tmp_path, option, value):
    """It must not be left out or become something else: an endpoint without its zone is answered in all zones."""
    ran = ctl("create", "plc-1", "--type", "AWS_ENDPOINT_SERVICE", option, os.fsdecode(value), "-a", tmp_path,
              "--no-wait")
    assert ran.returncode == WRONG and "%s: that is no UTF-8" % option in ran.stderr
    assert not list(tmp_path.iterdir())


def test_create_from_what_the_api_prints(tmp_path):
    api = json.dumps({"privateLinkConnectionId": "plc-9", "clusterId": "108", "displayName": "x", "state": "ACTIVE", "message": "",
                      "updateTime": None, "type": "AWS_ENDPOINT_SERVICE", "attachedDomains": [
                          {"attachDomainId": "ad-1", "type": "TIDBCLOUD_MANAGED", "uniqueName": U,
                           "domains": [{"name": "*.use1-az1." + U + AWS, "state": "ACTIVE"}]}]}, indent=2)
    folder = tmp_path / "d"
    folder.mkdir()
    ran = ctl("create", "--file", "-", "--endpoint", "use1-az1=10.0.0.1", "-a", folder, stdin=api)
    assert ran.returncode == FINE and ran.stdout == "private link connection plc-9 created in plc-9.json\n"
    assert json.loads((folder / "plc-9.json").read_text()) == {
        **json.loads(api), "endpoints": [{"zone": "use1-az1", "addresses": ["10.0.0.1"]}]}
    assert json.loads(ctl("explain", "b.use1-az1." + U + AWS, "-a", folder, "-o", "json").stdout)["addresses"] == ["10.0.0.1"]
    (tmp_path / "two.json").write_text(LIST)
    assert "one connection" in ctl("create", "-f", tmp_path / "two.json", "-a", folder).stderr
    assert ctl("create", "-f", tmp_path / "none.json", "-a", folder).returncode == WRONG


def test_create_dry_run(tmp_path):
    ran = ctl("create", "plc-1", "--type", "AWS_ENDPOINT_SERVICE", "--endpoint", "10.0.0.1", "--dry-run", "-a", tmp_path)
    assert ran.returncode == FINE and "plc-1.yaml:\nprivateLinkConnectionId: plc-1\n" in ran.stdout and not list(tmp_path.iterdir())


def test_delete_asks_a_person(folder):
    def run(answer):
        parent, child = pty.openpty()
        with subprocess.Popen([PLDNSCTL, "delete", "plc-one", "-a", folder], stdin=child, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            os.close(child)
            os.write(parent, answer)
            said = process.communicate(timeout=30 * SLACK)[0]
        os.close(parent)
        return process.returncode, said

    code, said = run(b"no\n")
    assert code == NO and "type its id" in said and (folder / "kafka.yaml").exists()
    code, said = run(b"plc-one\n")
    assert code == FINE and not (folder / "kafka.yaml").exists()


def test_delete_one_of_several(folder):
    assert ctl("delete", "plc-two", "--yes", "-a", folder).returncode == FINE
    left = json.loads((folder / "list.json").read_text())["privateLinkConnections"]
    assert left == json.loads(LIST)["privateLinkConnections"][1:]
    assert ctl("delete", "plc-three", "--force", "-a", folder).returncode == FINE
    assert not (folder / "list.json").exists() and (folder / "kafka.yaml").read_text() == KAFKA


# ---- writing -------------------------------------------------------------------------------------

def test_fifty_at_once_and_none_is_lost(folder):
    def attach(n):
        return ctl("attach-domains", ["plc-one", "plc-three"][n % 2], "--type", "CUSTOM", "--domain", "h%d.example.net" % n,
                   "-a", folder, "--timeout", "60s", timeout=120)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        ran = list(pool.map(attach, range(50)))
    assert [r.returncode for r in ran] == [FINE] * 50, [r.stderr for r in ran if r.returncode]
    assert {n for c in ("plc-one", "plc-three") for n in names(folder, c)} >= {"h%d.example.net" % n for n in range(50)}
    assert is_clean(folder) and ctl("check", folder).returncode == FINE


def told_warnings(ran):
    return sorted(line.split(": warning: ", 1)[1] for line in ran.stderr.splitlines() if line.startswith("pldnsctl: warning: "))


def test_warnings_are_told_as_check_tells_them(folder):
    broad = ["attach-domains", "plc-one", "--type", "CUSTOM", "--domain", "*.confluent.cloud", "--domain", "*.com", "-a", folder]
    dry = ctl(*broad, "--dry-run", "-o", "json")
    assert dry.returncode == FINE and json.loads(dry.stdout)["type"] == "CUSTOM" and (folder / "kafka.yaml").read_text() == KAFKA
    ran = ctl(*broad)
    assert ran.returncode == FINE and told_warnings(ran) == told_warnings(dry)
    checked = [line.split("/")[-1].replace("warning: ", "", 1) for line in ctl("check", folder / "kafka.yaml").stdout.splitlines()
               if ": warning: " in line]
    assert len(checked) >= 2 and told_warnings(ran) == sorted(checked)
    ran = ctl("create", "plc-new", "--type", "AWS_ENDPOINT_SERVICE", "--endpoint", "us-east-1a=10.0.0.1", "-a", folder)
    assert ran.returncode == FINE and len(told_warnings(ran)) == 1 and "us-east-1a" in ran.stderr


def test_a_lock_that_is_not_given_back(folder):
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    ran = ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", folder, "--timeout", "200ms")
    assert ran.returncode == TIMEOUT and "somebody else" in ran.stderr
    assert ctl("get", "plc-one", "-a", folder).returncode == FINE
    os.close(handle)
    assert ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", folder).returncode == FINE


def test_a_full_disk_leaves_the_old_document(folder):
    ran = subprocess.run([PLDNSCTL, "attach-domains", "plc-one", "--type", "CUSTOM", "--domain", "h.example.net", "-a", folder],
                         capture_output=True, text=True, check=False,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
    assert ran.returncode == WRONG and "File too large; the old version stays" in ran.stderr
    assert (folder / "kafka.yaml").read_text() == KAFKA and is_clean(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="wants to mount")
def test_no_space_left(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    script = """mount -t tmpfs -o size=16k none "$1" && printf %s "$2" >"$1/kafka.yaml" &&
        { head -c 100k /dev/zero >"$1/filler"; "$0" attach-domains plc-one --type CUSTOM --domain h.example.net -a "$1"; }
        code=$?; ls -A "$1"; cat "$1/kafka.yaml"; exit $code"""
    ran = subprocess.run(["unshare", "-m", "sh", "-c", script, PLDNSCTL, folder, KAFKA], capture_output=True, text=True, check=False)
    if "mount:" in ran.stderr or "unshare:" in ran.stderr:
        pytest.skip("mounting is not allowed here")
    assert ran.returncode == WRONG and "No space left on device; the old version stays" in ran.stderr
    assert ran.stdout == "filler\nkafka.yaml\n" + KAFKA


def test_mounted_configmaps_are_not_written(tmp_path):
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "kafka.yaml").write_text(KAFKA)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "kafka.yaml").symlink_to("..data/kafka.yaml")
    ran = ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", tmp_path)
    assert ran.returncode == WRONG and "ConfigMap" in ran.stderr and "kubectl" in ran.stderr
    assert (tmp_path / "kafka.yaml").is_symlink() and (tmp_path / "kafka.yaml").read_text() == KAFKA
    assert ctl("attach-domains", "plc-one", "--type", "TIDBCLOUD_MANAGED", "--dry-run", "-a", tmp_path).returncode == FINE


def test_symbolic_links_are_not_written(folder, tmp_path):
    (folder / "kafka.yaml").rename(tmp_path / "real.yaml")
    (folder / "kafka.yaml").symlink_to(tmp_path / "real.yaml")
    ran = ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", folder)
    assert ran.returncode == WRONG and "symbolic link" in ran.stderr and (tmp_path / "real.yaml").read_text() == KAFKA


def test_rights_stay(folder):
    (folder / "kafka.yaml").chmod(0o640)
    assert ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", folder).returncode == FINE
    assert oct((folder / "kafka.yaml").stat().st_mode)[-3:] == "640"


def test_unknown_directory():
    ran = ctl("create", "plc-1", "--type", "AWS_ENDPOINT_SERVICE", "-a", "/nonexistent")
    assert ran.returncode == WRONG and "/nonexistent: No such file" in ran.stderr


def test_a_connection_in_two_documents(folder):
    (folder / "zzz.yaml").write_text(KAFKA)
    ran = ctl("detach-domains", "plc-one", "--attach-domain-id", "ad-1", "-a", folder)
    assert ran.returncode == WRONG and "kafka.yaml" in ran.stderr and "zzz.yaml" in ran.stderr


# ---- beside a daemon -----------------------------------------------------------------------------

def test_the_procedure_of_the_manual(daemon, upstream):
    """create, dry run, attach, ask, detach: each is served when the command returns."""
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "0s")
    daemon.start()
    ran = daemon.ctl("create", "plc-1", "--display-name", "kafka", "--type", "AWS_ENDPOINT_SERVICE", "-c", "108",
                     "--aws.endpoint-service-name", "com.amazonaws.vpce.us-east-1.vpce-svc-0", "--endpoint", "use1-az1=10.0.0.1",
                     "--endpoint", "use1-az2=10.0.0.2", "-a", daemon.documents)
    assert ran.returncode == FINE, ran.stderr
    dry = daemon.ctl("attach-domains", "plc-1", "-c", "108", "--type", "TIDBCLOUD_MANAGED", "--dry-run", "-a", daemon.documents)
    made = re.match("unique name ([a-z2-7]{26}):", dry.stdout).group(1)
    assert daemon.ask("b1.%s%s" % (made, AWS)) == "NXDOMAIN"
    ran = daemon.ctl("attach-domains", "plc-1", "-c", "108", "--type", "TIDBCLOUD_MANAGED", "--unique-name", made, "-a",
                     daemon.documents, "-o", "json")
    assert ran.returncode == FINE, ran.stderr
    assert [d["name"] for d in json.loads(ran.stdout)["domains"]] == dry.stdout.splitlines()[1:]
    assert daemon.ask("b1.%s%s" % (made, AWS)) == ["10.0.0.1", "10.0.0.2"]
    assert daemon.ask("b1.use1-az2.%s%s" % (made, AWS)) == ["10.0.0.2"]
    asked = len(upstream.asked)
    ran = daemon.ctl("detach-domains", "plc-1", "--attach-domain-id", json.loads(ran.stdout)["attachDomainId"], "-a",
                     daemon.documents)
    assert ran.returncode == FINE, ran.stderr
    daemon.ask("b1.%s%s" % (made, AWS))
    assert len(upstream.asked) > asked
    assert daemon.ctl("delete", "plc-1", "--force", "-a", daemon.documents).returncode == FINE
    assert daemon.status()["documents"] == []


def test_what_the_daemon_cannot_be_asked(daemon, folder, tmp_path):
    attach = ["attach-domains", "plc-one", "--type", "CUSTOM", "--domain"]
    # Nobody there: written, and that is all.  A daemon that was named must be there.
    assert ctl(*attach, "a.example.net", "-a", folder, env={"PLDNSCTL_SERVER": "unix:%s/none" % tmp_path}).returncode == FINE
    ran = ctl(*attach, "b.example.net", "-a", folder, "--server", "unix:%s/none" % tmp_path)
    assert ran.returncode == UNREACHABLE and "b.example.net" in names(folder, "plc-one")
    daemon.start()
    # A daemon of another directory is none of ours.
    assert ctl(*attach, "c.example.net", "-a", folder, env={"PLDNSCTL_SERVER": "unix:%s" % daemon.socket}).returncode == FINE
    ran = daemon.ctl(*attach, "d.example.net", "-a", folder)
    assert ran.returncode == NO and "does not serve" in ran.stderr
    assert daemon.ctl(*attach, "e.example.net", "-a", folder, "--no-wait").returncode == FINE


def test_fifty_at_once_beside_a_daemon(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", custom(2, ["10.0.0.2"], "x.example.net"))
    daemon.start()

    def attach(n):
        return daemon.ctl("attach-domains", "plc-%d" % (1 + n % 2), "--type", "CUSTOM", "--domain", "h%d.example.net" % n, "-a",
                          daemon.documents, "--timeout", "60s")

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        ran = list(pool.map(attach, range(50)))
    assert [r.returncode for r in ran] == [FINE] * 50, [r.stderr for r in ran if r.returncode]
    for n in range(50):
        assert daemon.ask("h%d.example.net" % n) == ["10.0.0.%d" % (1 + n % 2)]


def test_wait_begins_before_the_daemon(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    with subprocess.Popen([PLDNSCTL, "--server", "unix:%s" % daemon.socket, "wait", "--name", managed(1), "-t", "60s"],
                          stdout=subprocess.PIPE, text=True) as waiting:
        daemon.start()
        assert waiting.wait(60 * SLACK) == FINE and waiting.stdout.read().startswith("served, generation ")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_explain_equals_the_answer(daemon, upstream):
    """Random names near owned ones: what explain says, live and offline, is what a query gets."""
    draw = random.Random(7)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("workers", 1)
    upstream.answers = {}
    daemon.write("a.yaml", document(1, ["10.0.0.1", "fd00::1"]))
    daemon.write("b.yaml", custom(2, ["10.0.0.2"], "*.w.example.net", "h.example.net", "x.y.w.example.net"))
    daemon.write("c.yaml", document(3, ["10.0.0.3"], state="PENDING_ACCEPTANCE"))
    daemon.write("d.yaml", document(4, ["10.0.0.4"], state="REJECTED"))
    daemon.write("e.yaml", document(5, ["10.0.0.5"], zoneFallback="regional", endpoints=[
        {"zone": "use1-az1", "addresses": ["10.0.0.5"]}, {"zone": "use1-az2", "addresses": ["10.0.0.6"], "state": "FAILED"}]))
    daemon.start()
    roots = [unique(n) + AWS for n in (1, 3, 4, 5)] + ["w.example.net", "h.example.net", "y.w.example.net", "example.net",
                                                       AWS[1:], "localhost"]
    labels = ["b1", "use1-az1", "use1-az2", "use1-az9", "*", "x", "y", "W", "unique_name", "xw"]
    for _ in range(150):
        name = ".".join([draw.choice(labels) for _ in range(draw.randrange(3))] + [draw.choice(roots)])
        kind = draw.choice(["A", "A", "AAAA", "TXT"])
        live = json.loads(daemon.ctl("explain", name, kind, "-o", "json").stdout)
        offline = json.loads(ctl("explain", name, kind, "-a", daemon.documents, "-o", "json").stdout)
        for key in ("owned", "outcome", "rcode", "rule", "connection", "addresses", "ttl"):
            assert live.get(key) == offline.get(key), (name, key, live, offline)
        asked = len(upstream.asked)
        got = daemon.ask(name, kind)
        if "rcode" not in live:
            assert not live["owned"] and len(upstream.asked) > asked, (name, live)
        elif live["rcode"] == "NOERROR":
            wanted = [a for a in live.get("addresses", []) if (":" in a) == (kind == "AAAA")] if kind != "TXT" else []
            assert got == (sorted(wanted) or "NOERROR") and len(upstream.asked) == asked, (name, kind, live)
        else:
            assert got == live["rcode"] and len(upstream.asked) == asked, (name, kind, live)


def test_samples_can_be_edited(tmp_path):
    for path in sorted((ROOT / "etc" / "attachments.d").iterdir()):
        (tmp_path / path.name).write_text(path.read_text())
    told = json.loads(ctl("list", "-a", tmp_path, "-o", "json").stdout)["privateLinkConnections"]
    for n, one in enumerate(told):
        ran = ctl("attach-domains", one["privateLinkConnectionId"], "--type", "CUSTOM", "--domain", "h%d.example.net" % n, "-a", tmp_path)
        assert ran.returncode == FINE, ran.stderr
    for path in sorted((ROOT / "etc" / "attachments.d").iterdir()):
        changed = (tmp_path / path.name).read_text().splitlines()
        assert [line for line in path.read_text().splitlines() if line not in changed] in ([], ["    attachedDomains: []"])
    assert ctl("check", tmp_path).returncode == FINE
