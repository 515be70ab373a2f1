"""pldnsctl diff: which names two sets of documents answer otherwise.  Judged by brute force: small random tables, and
every name that can be made of their labels asked of both."""
import itertools
import json
import random

import pytest

from conftest import custom, document, unique
from test_ctl import FINE, NO, WRONG, ctl

AWS = ".aws.plc.tidbcloud.com"


def write(folder, documents):
    folder.mkdir(exist_ok=True)
    for n, text in enumerate(documents):
        (folder / ("%d.yaml" % n)).write_text(text)
    return folder


def diff(old, new):
    ran = ctl("diff", old, new, "-o", "json")
    listed = json.loads(ran.stdout)["names"]
    assert ran.returncode == (NO if listed else FINE), ran.stderr
    return {one["name"]: one for one in listed}


def test_the_same(tmp_path):
    old = write(tmp_path / "old", [document(1, ["10.0.0.1", "10.0.0.2"])])
    new = write(tmp_path / "new", [document(1, ["10.0.0.2", "10.0.0.1"])])
    ran = ctl("diff", old, new)
    assert ran.returncode == FINE and ran.stdout == "every name is answered alike\n"


def test_attached_detached_and_moved(tmp_path):
    old = write(tmp_path / "old", [custom(1, ["10.0.0.1"], "a.example.net", "*.b.example.net"), document(2, ["10.0.0.2"])])
    new = write(tmp_path / "new", [custom(1, ["10.0.0.9"], "a.example.net"), custom(3, ["10.0.0.3"], "c.example.net")])
    told = diff(old, new)
    assert told["a.example.net"]["change"] == "changed"
    assert told["a.example.net"]["before"]["addresses"] == ["10.0.0.1"] and told["a.example.net"]["after"]["addresses"] == ["10.0.0.9"]
    assert told["*.b.example.net"]["change"] == "public" and told["*.b.example.net"]["before"]["connection"] == "plc-1"
    assert told["*." + unique(2) + AWS]["change"] == "public"
    assert told["c.example.net"]["change"] == "private" and told["c.example.net"]["after"]["addresses"] == ["10.0.0.3"]
    assert "*.a.example.net" not in told and "*.c.example.net" not in told
    people = ctl("diff", old, new).stdout
    assert people.index("become public") < people.index("become private") < people.index("answered otherwise")
    assert "a.example.net  10.0.0.1 (TTL 30)  ->  10.0.0.9 (TTL 30)" in people


def test_time_to_live_state_and_zones(tmp_path):
    first = document(1, ["10.0.0.1"])
    old = write(tmp_path / "old", [first])
    told = diff(old, write(tmp_path / "ttl", [document(1, ["10.0.0.1"], ttl=5)]))
    assert told["*." + unique(1) + AWS]["after"]["ttl"] == 5
    told = diff(old, write(tmp_path / "state", [document(1, ["10.0.0.1"], state="FAILED")]))
    assert told["*." + unique(1) + AWS]["after"]["outcome"] == "owned, not ready: SERVFAIL"
    told = diff(old, write(tmp_path / "fallback", [document(1, ["10.0.0.1"], zoneFallback="regional")]))
    assert list(told) == ["<other zone>." + unique(1) + AWS]
    assert told["<other zone>." + unique(1) + AWS]["after"]["addresses"] == ["10.0.0.1"]


def test_names_of_endpoints(tmp_path):
    def named(name):
        return document(1, [], endpoints=[{"dnsName": name}])

    told = diff(write(tmp_path / "old", [named("a.example.net")]), write(tmp_path / "new", [named("b.example.net")]))
    assert told["*." + unique(1) + AWS]["change"] == "changed"


def test_files_and_mistakes(tmp_path):
    old = write(tmp_path / "old", [document(1, ["10.0.0.1"])])
    assert ctl("diff", old, old / "0.yaml").returncode == FINE
    assert ctl("diff", old, tmp_path / "none").returncode == WRONG
    (old / "bad.yaml").write_text("a: [")
    ran = ctl("diff", tmp_path / "old", tmp_path / "old" / "0.yaml")
    assert ran.returncode == WRONG and "bad.yaml:" in ran.stderr


LABELS = ["a", "b", "use1-az1", "use1-az2", "use1-az7"]


def random_documents(draw):
    """Up to three connections over a few names, so that they touch each other often."""
    documents, taken = [], set()
    for n in range(draw.randrange(4)):
        more = {"endpoints": [{"zone": zone, "addresses": ["10.%d.0.%d" % (n, draw.randrange(1, 3))]} if zone else
                              {"addresses": ["10.%d.0.%d" % (n, draw.randrange(1, 3))]}
                              for zone in draw.choice([[""], ["use1-az1"], ["use1-az1", "use1-az2"]])],
                "zoneFallback": draw.choice(["strict", "regional"]), "state": draw.choice(["ACTIVE"] * 4 + ["FAILED", "CLOSED"])}
        domains = []
        if draw.random() < 0.5 and "managed" not in taken:
            taken.add("managed")
            domains.append({"type": "TIDBCLOUD_MANAGED", "uniqueName": unique(1)})
        names = {"%s%s.net" % (draw.choice(["", "*."]), ".".join(draw.choice(LABELS[:3]) for _ in range(draw.randrange(1, 4))))
                 for _ in range(draw.randrange(3))} - taken
        taken |= names
        if names:
            domains.append({"type": "CUSTOM", "domains": [{"name": name} for name in sorted(names)]})
        documents.append(document(n, [], attachedDomains=domains, **more))
    return documents


def all_names():
    for depth in range(5):
        for labels in itertools.product(LABELS, repeat=depth):
            yield ".".join(labels + ("net",))
    for depth in range(3):
        for labels in itertools.product(LABELS, repeat=depth):
            yield ".".join(labels + (unique(1) + AWS,))


def answers(folder, names):
    """Every name's answer, from one daemon-less look at the documents."""
    found = {}
    for name in names:
        one = json.loads(ctl("explain", name, "-a", folder, "-o", "json").stdout)
        found[name] = (one["owned"], one["outcome"], tuple(sorted(one.get("addresses", []))), one.get("ttl"))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_by_brute_force(tmp_path, seed):
    draw = random.Random(seed)
    old = write(tmp_path / "old", random_documents(draw))
    new = write(tmp_path / "new", random_documents(draw))
    while ctl("check", old).returncode != FINE or ctl("check", new).returncode != FINE:
        for path in [*old.iterdir(), *new.iterdir()]:
            path.unlink()
        write(old, random_documents(draw))
        write(new, random_documents(draw))
    told = diff(old, new)
    existing = points(old) | points(new)
    names = sorted(existing | {"%s.%s" % (label, name) for name in existing for label in LABELS}
                   | set(draw.sample(sorted(set(all_names())), 20)))
    before, after = answers(old, names), answers(new, names)
    for name in names:
        differs = before[name] != after[name]
        kind = "private" if not before[name][0] else "public" if not after[name][0] else "changed"
        listed = listed_as(told, existing, name)
        assert (listed["change"] if listed else None) == (kind if differs else None), (name, before[name], after[name], told)
        if listed:
            for side, found in (("before", before[name]), ("after", after[name])):
                assert tuple(sorted(listed[side]["addresses"])) == found[2], (name, listed)


def points(folder):
    """The names in the tree of these documents: owners, and all above them down to what is owned."""
    found = set()
    for one in json.loads(ctl("list", "-a", folder, "-o", "json").stdout)["privateLinkConnections"]:
        for domain in one["attachedDomains"]:
            names = [d["name"] for d in domain.get("domains", [])]
            if domain["type"] == "TIDBCLOUD_MANAGED":
                root = unique(1) + AWS
                names = ["*." + root] + ["*.%s.%s" % (e["zone"], root) for e in one["endpoints"] if "zone" in e]
            for name in names:
                labels = name.removeprefix("*.").split(".")
                found |= {".".join(labels[n:]) for n in range(len(labels))}
    return found


def listed_as(told, existing, name):
    """What the list says of a name: itself if it is in a tree, else what is below the nearest that is."""
    if name in existing:
        return told.get(name)
    labels = name.split(".")
    for n in range(1, len(labels)):
        above = ".".join(labels[n:])
        if above in existing:
            zone = labels[n - 1].startswith("use1-az") and above == unique(1) + AWS
            if zone and "<other zone>." + above in told and labels[n - 1] not in zones_of(existing):
                return told["<other zone>." + above]
            return told.get("*." + above)
    return None


def zones_of(existing):
    return {name.split(".")[0] for name in existing if name.endswith(unique(1) + AWS)}


def test_what_is_listed_is_complete_in_itself(tmp_path):
    old = write(tmp_path / "old", [document(1, ["10.0.0.1"])])
    told = diff(old, write(tmp_path / "new", []))
    assert all(one["change"] == "public" for one in told.values())
    assert {"*." + unique(1) + AWS, "*.use1-az1." + unique(1) + AWS} <= set(told)
