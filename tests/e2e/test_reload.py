"""The table changes while the daemon answers: every way a document can come, change and go; nothing lost,
nothing mixed, and nothing served that contradicts the table."""
import os
import re
import shutil
import signal
import threading
import time

import dns.rcode
import pytest

from conftest import PATIENCE, SLACK, custom, document, eventually, managed
from load import Load, addresses

pytestmark = pytest.mark.reload


def served(daemon, n, *expected, within=PATIENCE, **options):
    eventually(lambda: daemon.ask(managed(n), **options) == list(expected), "answer %s for the name of %d" % (expected, n), within)


# ---- ways to change ------------------------------------------------------------------------------

def test_attach_by_rename(daemon):
    daemon.start()
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    served(daemon, 1, "10.0.0.1")
    assert daemon.status()["generation"] == 2
    daemon.write("a.yaml", document(1, ["10.0.0.2"]))
    served(daemon, 1, "10.0.0.2")


def test_attach_in_place(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    (daemon.documents / "a.yaml").write_text(document(1, ["10.0.0.2"]))
    served(daemon, 1, "10.0.0.2")


def two_connections(*octets):
    """A document of two connections, and its first half: a whole document too, but for what follows."""
    text = "".join("---\n" + document(n + 1, ["10.0.0.%d" % octet]) for n, octet in enumerate(octets))
    return text, text[:text.rindex("---")]


def test_a_document_that_is_written_in_place_is_read_when_it_is_closed(daemon):
    text, _ = two_connections(1, 2)
    daemon.write("a.yaml", text)
    daemon.write("b.yaml", document(3, ["10.0.0.3"]))
    daemon.start()
    text, half = two_connections(4, 5)
    with open(daemon.documents / "a.yaml", "w", encoding="ascii") as file:
        file.write(half)
        file.flush()
        daemon.process.send_signal(signal.SIGHUP)
        outcome = daemon.reload().json
        assert outcome["beingWritten"] == ["a.yaml"] and outcome["refused"] == 0
        assert "a.yaml" in daemon.ctl("reload").stdout
        daemon.write("b.yaml", document(3, ["10.0.0.6"]))       # others do not wait
        eventually(lambda: daemon.ask(managed(3)) == ["10.0.0.6"], "the other document", 0.5 * SLACK)
        time.sleep(0.5)
        assert daemon.ask(managed(1)) == ["10.0.0.1"] and daemon.ask(managed(2)) == ["10.0.0.2"]
        file.write(text[len(half):])
    served(daemon, 1, "10.0.0.4", within=1 * SLACK)
    assert daemon.ask(managed(2)) == ["10.0.0.5"]
    assert "beingWritten" not in daemon.reload().json
    assert "names_removed=1" not in daemon.log and "refused=1" not in daemon.log


def test_writer_that_never_closes(daemon):
    text, _ = two_connections(1, 2)
    daemon.write("a.yaml", text)
    daemon.start()
    with open(daemon.documents / "a.yaml", "w", encoding="ascii") as file:
        file.write(two_connections(4, 5)[1])
        file.flush()
        time.sleep(1)
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
        served(daemon, 1, "10.0.0.4", within=3 + 2 * SLACK)     # WRITING_PAUSE_MS
        assert daemon.ask(managed(2)) == "NXDOMAIN"


def test_a_new_document_is_not_looked_at_before_it_is_closed(daemon):
    daemon.start()
    with open(daemon.documents / "a.yaml", "w", encoding="ascii") as file:
        time.sleep(0.3)
        status = daemon.status()
        assert status["refused"] == 0 and status["documents"] == []
        file.write(document(1, ["10.0.0.1"]))
    served(daemon, 1, "10.0.0.1", within=1 * SLACK)


def test_delete_detaches(served):
    daemon = served
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.remove("a.yaml")
    eventually(lambda: daemon.ask(managed(1)) == "NXDOMAIN", "the name is detached")
    assert "detached" in daemon.chaos(managed(1))


def test_detached_names_go_public_after_the_hold(daemon, upstream):
    upstream.answers[managed(1)] = ["192.0.2.9"]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "1s")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    daemon.remove("a.yaml")
    eventually(lambda: daemon.ask(managed(1)) == "NXDOMAIN", "the name is detached")
    assert managed(1) not in upstream.names()
    eventually(lambda: daemon.ask(managed(1)) == ["192.0.2.9"], "the name goes public")
    assert daemon.status()["generation"] == 3


def test_move_between_documents_in_one_go(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    other = daemon.documents.with_name("other.d")
    other.mkdir()
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    served(daemon, 2, "10.0.0.2")
    # Both documents change; in between they contradict each other, at the end they do not.
    daemon.write("b.yaml", document(1, ["10.0.0.3"], privateLinkConnectionId="plc-new"))
    daemon.write("a.yaml", document(2, ["10.0.0.4"], privateLinkConnectionId="plc-newer"))
    served(daemon, 1, "10.0.0.3")
    served(daemon, 2, "10.0.0.4")
    eventually(lambda: daemon.status()["refused"] == 0, "no refusal any more")


def test_rename_of_a_document(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    (daemon.documents / "a.yaml").rename(daemon.documents / "z.yaml")
    eventually(lambda: [d["name"] for d in daemon.status()["documents"]] == ["z.yaml"], "the new name is known")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.status()["refused"] == 0


def test_mounted_configmap(daemon):
    """Kubernetes: files are links to ..data/file, ..data is a link that is swapped."""
    def publish(version, texts):
        folder = daemon.documents / ("..%s" % version)
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)
        (daemon.documents / "..data_tmp").symlink_to(folder.name)
        (daemon.documents / "..data_tmp").rename(daemon.documents / "..data")

    publish("v1", {"a.yaml": document(1, ["10.0.0.1"])})
    (daemon.documents / "a.yaml").symlink_to("..data/a.yaml")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    publish("v2", {"a.yaml": document(1, ["10.0.0.2"])})
    served(daemon, 1, "10.0.0.2")
    shutil.rmtree(daemon.documents / "..v1")
    publish("v3", {"a.yaml": document(1, ["10.0.0.3"])})
    served(daemon, 1, "10.0.0.3")


def test_the_directory_itself_is_replaced(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    fresh = daemon.documents.with_name("fresh.d")
    fresh.mkdir()
    (fresh / "a.yaml").write_text(document(1, ["10.0.0.2"]))
    daemon.documents.rename(daemon.documents.with_name("old.d"))
    fresh.rename(daemon.documents)
    served(daemon, 1, "10.0.0.2")
    daemon.write("a.yaml", document(1, ["10.0.0.3"]))       # the new one is watched
    served(daemon, 1, "10.0.0.3")


def test_sighup(daemon):
    daemon.start()
    (daemon.documents / "a.yaml").write_text(document(1, ["10.0.0.1"]))
    daemon.process.send_signal(signal.SIGHUP)
    served(daemon, 1, "10.0.0.1")
    assert "signal=SIGHUP" in daemon.log


def test_the_poll_finds_what_inotify_cannot_see(daemon):
    elsewhere = daemon.folder / "elsewhere.yaml"
    elsewhere.write_text(document(1, ["10.0.0.1"]))
    (daemon.documents / "a.yaml").symlink_to(elsewhere)
    daemon.start()
    elsewhere.write_text(document(1, ["10.0.0.2"]))
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.2"], "the poll", 12 + PATIENCE)


def test_a_storm_of_triggers_converges(daemon):
    daemon.start()
    for n in range(100):
        daemon.write("a.yaml", document(1, ["10.0.%d.1" % n]))
        daemon.process.send_signal(signal.SIGHUP)
    served(daemon, 1, "10.0.99.1")
    generation = daemon.reload().json["generation"]
    assert generation <= 101
    assert daemon.reload().json["generation"] == generation     # nothing changed any more


# ---- broken documents ----------------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "cut": document(1, ["10.0.0.9"]).encode()[:-40],
    "binary": bytes(range(256)),
    "bad address": document(1, ["10.0.0.999"]).encode(),
    "alias": b"a: &x [1]\nb: *x\n",
    "deep": b"[" * 5000,
    "unknown field": document(1, ["10.0.0.9"], uniqename="x").encode(),
    "not a map": b"- 1\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_document_keeps_its_last_version(served, kind):
    daemon = served
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    eventually(lambda: daemon.ask(managed(2)) == ["10.0.0.2"], "the sibling")
    (daemon.documents / "a.yaml").write_bytes(BROKEN[kind])
    eventually(lambda: daemon.status()["refused"] == 1, "the refusal")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.write("b.yaml", document(2, ["10.0.0.3"]))           # its siblings go on
    eventually(lambda: daemon.ask(managed(2)) == ["10.0.0.3"], "the sibling's change")
    assert "event=\"document refused\" name=a.yaml" in daemon.log
    daemon.write("a.yaml", document(1, ["10.0.0.4"]))           # the next good one is taken
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.4"], "the repair")
    eventually(lambda: daemon.status()["refused"] == 0, "no refusal any more")


def test_a_document_that_is_cut_off_in_a_line(daemon):
    text = document(1, ["10.0.0.1"]) + "# the end of it, with words behind it\n"
    daemon.write("a.yaml", text)
    daemon.start()
    eventually(lambda: (daemon.state / "accepted" / "a.yaml").exists(), "the copy")
    daemon.write("a.yaml", text[:-10])
    reply = daemon.reload()
    assert reply.status == 409 and "half-written" in reply.json["complaints"][0], reply.json
    daemon.restart()                                            # it is known for what it is
    assert daemon.status()["refused"] == 1 and daemon.ask(managed(1)) == ["10.0.0.1"]
    for whole in text[:-10] + "\n", text, text[:-1], text[:text.index("#")]:
        daemon.write("a.yaml", whole)
        assert daemon.reload().status == 200, whole


def test_directory_in_place_of_a_document(served):
    daemon = served
    daemon.remove("a.yaml")
    (daemon.documents / "a.yaml").mkdir()
    eventually(lambda: daemon.status()["refused"] == 1, "the refusal")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert "is a directory" in daemon.log
    (daemon.documents / "a.yaml").rmdir()
    os.mkfifo(daemon.documents / "a.yaml")
    eventually(lambda: "is not a regular file" in daemon.log, "the FIFO is seen")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_document_too_large(served):
    daemon = served
    with open(daemon.documents / "a.yaml", "wb") as file:
        file.truncate((64 << 20) + 1)
    eventually(lambda: daemon.status()["refused"] == 1, "the refusal")
    assert "too large: has 67108865 bytes; at most 67108864 are read" in daemon.log and daemon.ask(managed(1)) == ["10.0.0.1"]


def test_two_documents_claim_one_name(served):
    daemon = served
    daemon.write("0.yaml", document(1, ["10.0.0.6"], privateLinkConnectionId="plc-other"))
    reply = daemon.reload()
    assert reply.status == 409
    assert "0.yaml" in reply.json["complaints"][0] and "a.yaml" in reply.json["complaints"][0]
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.remove("a.yaml")
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.6"], "the other one is next")
    eventually(lambda: daemon.status()["refused"] == 0, "no refusal any more")


def test_directory_that_goes_away(served):
    daemon = served
    daemon.documents.rename(daemon.documents.with_name("away.d"))
    eventually(lambda: daemon.status().get("degraded"), "the degraded state")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert 'event=degraded why="%s: No such file or directory" now="all that was' % daemon.documents in daemon.log
    daemon.documents.with_name("away.d").rename(daemon.documents)
    eventually(lambda: "degraded" not in daemon.status(), "the recovery")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


# ---- under load ----------------------------------------------------------------------------------

def test_reload_under_load_loses_and_mixes_nothing(daemon):
    """Every generation has addresses of its own, two names change together."""
    def publish(generation):
        daemon.write("a.yaml", custom(1, ["10.1.%d.%d" % (generation, i) for i in range(4)], "*.one.example", "*.two.example"))

    publish(1)
    daemon.start()
    load = Load(daemon.port, ["b1.one.example", "b2.two.example"], 2000 / SLACK).start()
    published = []
    end = time.monotonic() + 3
    generation = 1
    while time.monotonic() < end:
        generation += 1
        publish(generation)
        eventually(lambda: daemon.ask("x.one.example")[0].startswith("10.1.%d." % generation), "generation %d" % generation)
        published.append((time.monotonic(), generation))
        time.sleep(0.02)
    lost = load.stop()
    assert generation >= 5 and len(load.answers) > 3000 / SLACK
    assert lost == 0 and load.refused == 0
    for asked, _, _, reply in load.answers:
        assert reply[3] & 15 == 0
        found = addresses(reply)
        seen = int(found[0].split(".")[2])
        assert found == sorted("10.1.%d.%d" % (seen, i) for i in range(4)), "mixed"
        known = max((g for at, g in published if at < asked), default=1)
        assert seen >= known, "an old answer after a new one was seen"


def test_forwarding_goes_on_through_reloads(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("cache.size", 0)
    names = ["n%d.example" % i for i in range(50)]
    for name in names:
        upstream.answers[name] = ["192.0.2.1"]
    daemon.start()
    load = Load(daemon.port, names, 300 / SLACK).start()
    for n in range(20):
        daemon.write("a.yaml", document(1, ["10.0.%d.1" % n]))
        time.sleep(0.05)
    assert load.stop() == 0
    assert all(addresses(reply) == ["192.0.2.1"] for _, _, _, reply in load.answers)


# ---- attaching overrides -------------------------------------------------------------------------

def test_attaching_overrides_the_cache_at_once(daemon, upstream):
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    upstream.answers["db.example.com"] = ["192.0.2.7"]
    daemon.start()
    assert daemon.ask("db.example.com") == ["192.0.2.7"]
    assert daemon.ask("db.example.com") == ["192.0.2.7"]
    assert upstream.names().count("db.example.com") == 1        # it was in the cache
    daemon.write("a.yaml", custom(1, ["10.0.0.7"], "db.example.com"))
    assert daemon.reload().status == 200
    assert daemon.ask("db.example.com") == ["10.0.0.7"]
    assert upstream.names().count("db.example.com") == 1


def test_attaching_overrides_a_question_in_flight(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.timeout", "5s")
    upstream.answers["db.example.com"] = None                   # silence
    daemon.start()
    got = []
    asker = threading.Thread(target=lambda: got.append(daemon.ask("db.example.com", timeout=20)))
    asker.start()
    eventually(lambda: "db.example.com" in upstream.names(), "the question in flight")
    daemon.write("a.yaml", custom(1, ["10.0.0.7"], "db.example.com"))
    assert daemon.reload().status == 200
    before = upstream.names().count("db.example.com")
    upstream.answers["db.example.com"] = ["192.0.2.7"]
    asker.join()
    assert got == [["10.0.0.7"]]
    assert upstream.names().count("db.example.com") <= before + 1   # one may have been on its way
    assert daemon.counter("leaks_stopped") <= 1


def test_a_late_public_answer_changes_nothing(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    upstream.answers["db.example.com"] = ["192.0.2.7"]
    upstream.delay = 0.5 * SLACK
    daemon.start()
    got = []
    asker = threading.Thread(target=lambda: got.append(daemon.ask("db.example.com", timeout=20)))
    asker.start()
    eventually(lambda: "db.example.com" in upstream.names(), "the question in flight")
    daemon.write("a.yaml", custom(1, ["10.0.0.7"], "db.example.com"))
    assert daemon.reload().status == 200
    asker.join()
    assert got == [["10.0.0.7"]]
    assert daemon.ask("db.example.com") == ["10.0.0.7"]


def test_attaching_the_end_of_a_cached_chain(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    upstream.answers["www.example.com"] = [("www.example.com.", "CNAME", "db.example.net."), ("db.example.net.", "A", "192.0.2.7")]
    daemon.start()
    assert daemon.ask("www.example.com") == ["192.0.2.7"]
    daemon.write("a.yaml", custom(1, ["10.0.0.7"], "db.example.net"))
    assert daemon.reload().status == 200
    reply = daemon.query("www.example.com")
    assert [r.to_text().split()[-1] for r in reply.answer] == ["db.example.net.", "10.0.0.7"]
    assert reply.rcode() == dns.rcode.NOERROR


# ---- what is heard of it -------------------------------------------------------------------------

def test_outcome_of_a_reload(served):
    daemon = served
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    daemon.write("c.yaml", "nonsense")
    reply = daemon.reload()
    assert reply.status == 409
    outcome = reply.json
    assert outcome["generation"] >= 2 and outcome["refused"] == 1
    assert outcome["complaints"] and outcome["complaints"][0].startswith("c.yaml:")
    assert daemon.ask(managed(2)) == ["10.0.0.2"]
    daemon.remove("c.yaml")
    assert daemon.reload().status == 200
    assert daemon.reload().json["changed"] is False


def test_reload_by_the_tool(served):
    daemon = served
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    ran = daemon.ctl("reload")
    assert ran.returncode == 0 and "generation 2" in ran.stdout, ran.stdout + ran.stderr
    daemon.write("c.yaml", "nonsense")
    ran = daemon.ctl("reload")
    assert ran.returncode == 1 and "c.yaml:1:" in ran.stdout


def test_a_reload_tells_what_was_taken_up_a_moment_before(served):
    daemon = served
    daemon.reload()
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    eventually(lambda: daemon.ask(managed(2)) == ["10.0.0.2"], "the change by itself")
    outcome = daemon.reload().json
    assert outcome["changed"] is True and outcome["accepted"] == 1 and outcome["names"]["added"] > 0
    assert 0 < outcome["inServiceSeconds"] < 2
    outcome = daemon.reload().json                              # and only once
    assert outcome["changed"] is False and outcome["names"]["added"] == 0 and "inServiceSeconds" not in outcome
    daemon.remove("b.yaml")
    eventually(lambda: daemon.ask(managed(2)) == "NXDOMAIN", "the removal by itself")
    ran = daemon.ctl("reload")
    assert ran.returncode == 0 and "nothing changed" not in ran.stdout
    assert re.search(r"0 added, 0 moved, \d+ removed \(in service for up to [01]\.\d\d s already\)", ran.stdout), ran.stdout


@pytest.mark.parametrize("wait", [0, 0.015, 0.02, 0.025, 0.03, 0.04])
def test_who_writes_and_asks_hears_of_his_change(served, wait):
    daemon = served
    for n in range(2, 7):
        daemon.write("b%d.yaml" % n, document(n, ["10.0.0.2"]))
        time.sleep(wait)
        assert daemon.reload().json["accepted"] == 1


def test_waiting(served):
    daemon = served
    assert daemon.admin("/api/wait?generation=1").json == {"generation": 1}
    got = []
    waiters = [threading.Thread(target=lambda path=path: got.append(daemon.admin("/api/wait?" + path, timeout=40)))
               for path in ("generation=2&timeout=30", "name=%s&timeout=30" % managed(2), "document=b.yaml&timeout=30s")]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.2)
    assert got == []
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    for waiter in waiters:
        waiter.join()
    assert [(a.status, a.json) for a in got] == [(200, {"generation": 2})] * 3
    assert daemon.admin("/api/wait?generation=9&timeout=100ms").status == 408
    daemon.write("b.yaml", "nonsense")
    reply = daemon.admin("/api/wait?document=b.yaml&timeout=30")
    assert reply.status == 409 and reply.json["error"].startswith("b.yaml:1:")


def test_a_waiter_that_goes_away_is_forgotten(served):
    from conftest import UnixConnection
    daemon = served
    connection = UnixConnection(str(daemon.socket), 5)
    connection.request("GET", "/api/wait?generation=99&timeout=300")
    time.sleep(0.2)
    connection.close()
    time.sleep(0.3)
    assert daemon.admin("/healthz").status == 200


def test_a_thousand_mistakes_do_not_flood_the_log(served):
    daemon = served
    daemon.write("a.yaml", "privateLinkConnections:\n" + "- {privateLinkConnectionId: 7}\n" * 1000)
    eventually(lambda: "complaints more" in daemon.log, "the log's summary")
    refused = [line for line in daemon.log.splitlines() if "name=a.yaml" in line]
    assert len(refused) == 21
    assert 'now="pldnsctl check shows all"' in refused[-1]
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
