"""What survives: last accepted versions across restarts, kills, unreadable folders and full disks."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import PLDNSD, SLACK, document, eventually, managed, unique

DOCUMENTS, EACH = 5, 20000      # a table that takes a while


def kept(daemon):
    folder = daemon.state / "accepted"
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.exists() else []


def keeps(daemon, *names):
    eventually(lambda: kept(daemon) == list(names), "the state directory holds %s" % (names,))


@pytest.fixture(name="running")
def fixture_running(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    daemon.start()
    keeps(daemon, "a.yaml", "b.yaml")
    return daemon


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_broken_document_is_served_from_the_state(running, sign):
    daemon = running
    (daemon.documents / "a.yaml").write_text("nonsense")
    eventually(lambda: daemon.status()["refused"] == 1, "the refusal")
    daemon.restart(sign)
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    entry = daemon.status()["documents"][0]
    assert entry["restored"] is True and entry["errors"] and entry["state"].startswith("refused")
    daemon.restart(sign)                                    # and a second time
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.write("a.yaml", document(1, ["10.0.0.7"]))
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.7"], "the repair")


def test_directory_that_is_missing_at_start(running):
    daemon = running
    daemon.stop()
    daemon.documents.rename(daemon.documents.with_name("away.d"))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"] and daemon.ask(managed(2)) == ["10.0.0.2"]
    assert daemon.status()["degraded"] == "%s: No such file or directory" % daemon.documents
    assert daemon.admin("/readyz").status == 200
    assert kept(daemon) == ["a.yaml", "b.yaml"]             # what cannot be read was not removed
    daemon.documents.with_name("away.d").rename(daemon.documents)
    daemon.remove("b.yaml")
    eventually(lambda: daemon.ask(managed(2)) == "NXDOMAIN", "the removal is seen")
    keeps(daemon, "a.yaml")


@pytest.mark.parametrize("damage", ["nonsense", "", None], ids=["damaged", "empty", "unreadable"])
def test_directory_that_is_missing_and_a_copy_that_does_not_load(running, damage):
    """Some of what was accepted is not to be had: its names would be forwarded."""
    daemon = running
    daemon.stop()
    daemon.documents.rename(daemon.documents.with_name("away.d"))
    (daemon.state / "image").unlink()
    copy = daemon.state / "accepted" / "b.yaml"
    copy.unlink()
    copy.write_text(damage) if damage is not None else copy.mkdir()
    ran = daemon.run()
    assert ran.returncode == 2 and "pldnsd: b.yaml:" in ran.stderr
    assert "attachments.d: cannot be read: No such file or directory, nor is all " in ran.stderr
    daemon.set("attachments.onStartError", "serve")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.status()["refused"] == 1 and "degraded" in daemon.status()
    daemon.documents.with_name("away.d").rename(daemon.documents)
    eventually(lambda: daemon.ask(managed(2)) == ["10.0.0.2"], "the directory is back")
    eventually(lambda: daemon.status()["refused"] == 0, "nothing is refused")


def test_document_deleted_while_the_daemon_was_down(running):
    daemon = running
    daemon.stop()
    daemon.remove("b.yaml")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert "b.yaml" not in [d["name"] for d in daemon.status()["documents"]]
    assert daemon.ask(managed(2)) != ["10.0.0.2"]
    keeps(daemon, "a.yaml")


def test_document_changed_while_the_daemon_was_down(running):
    daemon = running
    daemon.stop()
    daemon.write("a.yaml", document(1, ["10.0.0.8"]))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.8"]
    eventually(lambda: "10.0.0.8" in (daemon.state / "accepted" / "a.yaml").read_text(), "the new version is kept")


def test_odd_names(daemon):
    for name in ("a b.yaml", "\u00fcml\u00e4ut.yaml", "%41.yaml", "x" * 240 + ".yaml"):
        daemon.write(name, document(abs(hash(name)) % 1000000, ["10.0.0.1"]))
    daemon.start()
    eventually(lambda: len(kept(daemon)) == 4, "all are kept")
    assert "a%20b.yaml" in kept(daemon) and "%2541.yaml" in kept(daemon)
    for path in daemon.documents.iterdir():
        path.write_text("nonsense")
    daemon.restart()
    assert all(d["restored"] for d in daemon.status()["documents"]) and len(daemon.status()["documents"]) == 4


def test_state_that_is_no_document_is_ignored(running):
    daemon = running
    daemon.stop()
    (daemon.state / "accepted" / "a.yaml").write_text("nonsense")
    (daemon.state / "accepted" / ".new-7").write_text("left behind")
    (daemon.state / "accepted" / "%zz").write_text("foreign")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    eventually(lambda: "10.0.0.1" in (daemon.state / "accepted" / "a.yaml").read_text(), "it is kept again")
    assert not (daemon.state / "accepted" / ".new-7").exists()
    daemon.stop()
    (daemon.state / "accepted" / "a.yaml").write_text("nonsense")
    (daemon.documents / "a.yaml").write_text("nonsense")
    daemon.start()                                          # out of the image
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.stop()
    (daemon.state / "image").unlink()
    ran = daemon.run()
    assert ran.returncode == 2 and "a.yaml:1:" in ran.stderr


def test_state_that_cannot_be_made(daemon):
    daemon.state.write_text("a file")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert "Not a directory" in daemon.status()["stateTrouble"]
    daemon.state.unlink()
    daemon.reload()
    keeps(daemon, "a.yaml")                                 # tried again, with what was accepted long ago
    eventually(lambda: "stateTrouble" not in daemon.status(), "the trouble is over")
    assert daemon.log.count("event=state ") == 2


def padded(address, size):
    """A document of that many octets, nearly all of which are a comment."""
    return document(1, [address]) + "\n# " + "x" * 97 * (size // 100) + "\n"


@pytest.mark.parametrize("size", [1000, 300 << 10], ids=["small", "large"])
def test_what_was_accepted_is_kept_though_the_source_has_changed(daemon, size):
    """The disk fails just then, and before it is well again somebody breaks the document."""
    kept = daemon.state / "accepted" / "a.yaml"
    daemon.write("a.yaml", padded("10.0.0.1", size))
    daemon.start()
    eventually(kept.exists, "it is kept")
    kept.unlink()
    kept.mkdir()
    daemon.write("a.yaml", padded("10.0.0.2", size))
    assert daemon.reload().status == 200
    eventually(lambda: "Is a directory" in daemon.status().get("stateTrouble", ""), "the trouble")
    daemon.write("a.yaml", "broken: [")
    assert daemon.reload().status == 409
    assert "Is a directory" in daemon.status()["stateTrouble"]
    kept.rmdir()
    daemon.write("b.yaml", document(2, ["10.0.0.3"]))
    daemon.reload()
    eventually(lambda: kept.exists() and "10.0.0.2" in kept.read_text(), "it is kept after all")
    eventually(lambda: "stateTrouble" not in daemon.status(), "the trouble is over")
    daemon.restart()
    assert daemon.ask(managed(1)) == ["10.0.0.2"]


def test_what_can_be_kept_no_more_is_told(daemon):
    """Too large to be held in memory, and replaced before it was kept."""
    kept = daemon.state / "accepted" / "a.yaml"
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    eventually(kept.exists, "it is kept")
    kept.unlink()
    kept.mkdir()
    daemon.write("a.yaml", padded("10.0.0.2", 9 << 20))
    assert daemon.reload().status == 200
    eventually(lambda: daemon.status().get("stateTrouble"), "the trouble")
    daemon.write("a.yaml", "broken: [")
    assert daemon.reload().status == 409
    eventually(lambda: "a.yaml: the version in service is " in daemon.status()["stateTrouble"], "it is told")
    daemon.write("a.yaml", document(1, ["10.0.0.4"]))
    kept.rmdir()
    assert daemon.reload().status == 200
    eventually(lambda: "stateTrouble" not in daemon.status() and "10.0.0.4" in kept.read_text(), "the trouble is over")


def test_state_switched_off(daemon):
    daemon.set("attachments.state", "")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"] and "stateTrouble" not in daemon.status()


def test_two_daemons_do_not_share_a_state(running, tmp_path):
    daemon = running
    assert kept(daemon) == ["a.yaml", "b.yaml"]
    empty = tmp_path / "empty.d"
    empty.mkdir()
    other = subprocess.Popen(
        [os.environ.get("PLDNSD", daemon_program()), "--attachments", empty], stderr=subprocess.PIPE, text=True,
        env=daemon.environment({"PLDNS_ATTACHMENTS_STATE": str(daemon.state), "PLDNS_LISTEN": "127.0.0.3:%d" % daemon.port,
                                "PLDNS_ADMIN_LISTEN": "unix:%s" % (tmp_path / "other.sock"), "PLDNS_WORKERS": "1"}))
    try:
        lines = []
        while not lines or "event=ready" not in lines[-1]:
            lines.append(other.stderr.readline())
            assert lines[-1], lines
    finally:
        other.terminate()
        other.communicate()
    assert any("another pldnsd uses it" in line for line in lines)
    assert kept(daemon) == ["a.yaml", "b.yaml"]


def daemon_program():
    from conftest import PLDNSD
    return PLDNSD


def test_a_list_that_tells_no_domains_detaches_nothing(running):
    """The API's List leaves attachedDomains out; [] is said on purpose."""
    daemon = running
    untold = {k: v for k, v in json.loads(document(1, ["10.0.0.7"])).items() if k != "attachedDomains"}
    daemon.write("a.yaml", json.dumps({"privateLinkConnections": [untold], "nextPageToken": "", "totalSize": "1"}))
    for _ in range(2):
        ran = daemon.ctl("reload")
        assert ran.returncode != 0 and "attachedDomains of 'plc-1' is absent" in ran.stdout + ran.stderr
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
        daemon.restart()
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.write("a.yaml", json.dumps({"privateLinkConnections": [{**untold, "attachedDomains": []}]}))
    assert daemon.ctl("reload").returncode == 0
    assert daemon.ask(managed(1)) == "NXDOMAIN"


@pytest.fixture(name="small")
def fixture_small(daemon):
    """A daemon whose state directory is a disk of four pages."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk wants root")
    daemon.state.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(daemon.state)], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        yield daemon
    finally:
        if daemon.process is not None:
            daemon.stop()
        subprocess.run(["umount", str(daemon.state)], check=True)


def fill(path):
    with open(path, "wb", buffering=0) as out:
        try:
            while out.write(b"x" * 512):
                pass
        except OSError:
            pass


def test_image_gives_way_to_documents(small):
    """Where a disk has room for one of them only."""
    subprocess.run(["mount", "-o", "remount,size=48k", str(small.state)], check=True)
    small.write("a.yaml", document(1, ["10.0.0.1"]))
    small.start()
    eventually((small.state / "image").exists, "the image")
    fill(small.state / "filler")
    second = document(1, ["10.0.0.2"])
    small.write("a.yaml", second)
    small.reload()
    eventually(lambda: (small.state / "accepted" / "a.yaml").read_text() == second, "it is kept")
    assert not (small.state / "image").exists() and "stateTrouble" not in small.status()
    assert "the next start reads the documents" in small.log
    small.restart()
    assert small.ask(managed(1)) == ["10.0.0.2"]


def test_no_room_to_look_into_the_image(small):
    """It costs that start its time, and leaves the image to the next."""
    subprocess.run(["mount", "-o", "remount,size=96k", str(small.state)], check=True)
    small.write("a.yaml", document(1, ["10.0.0.1"]))
    small.start()
    eventually((small.state / "image").exists, "the image")
    small.stop()
    fill(small.state / "filler")
    small.start()
    assert 'event=image why="No space left on device" now="the documents are read"' in small.log
    assert small.ask(managed(1)) == ["10.0.0.1"]
    small.stop()
    (small.state / "filler").unlink()
    small.start()
    assert "event=image documents=1" in small.log
    assert small.ask(managed(1)) == ["10.0.0.1"]


def test_full_disk_leaves_the_old_copy(small):
    """Whole, and good for a start."""
    subprocess.run(["mount", "-o", "remount,size=256k", str(small.state)], check=True)
    first = document(1, ["10.0.0.1"])
    second = document(1, ["10.0.0.2"]) + 128 * 1024 * "\n"     # more than an image leaves that gives way
    small.write("a.yaml", first)
    small.start()
    keeps(small, "a.yaml")
    eventually(lambda: "stateTrouble" not in small.status(), "all is kept")
    filler = small.state / "filler"
    fill(filler)
    small.write("a.yaml", second)
    small.reload()
    eventually(lambda: small.status().get("stateTrouble"), "the trouble")
    assert "No space left on device" in small.status()["stateTrouble"] and "No space left on device" in small.log
    assert small.ask(managed(1)) == ["10.0.0.2"]
    assert (small.state / "accepted" / "a.yaml").read_text() == first
    small.write("a.yaml", "privateLinkConnectionId: [")
    small.restart(signal.SIGKILL)
    assert small.ask(managed(1)) == ["10.0.0.1"]
    filler.unlink()
    small.write("a.yaml", second)
    small.reload()
    eventually(lambda: (small.state / "accepted" / "a.yaml").read_text() == second, "it is kept again")
    assert kept(small) == ["a.yaml"]


def test_full_disk_costs_the_snapshot_only(small):
    big = ["10.9.%d.%d" % (i // 250, i % 250) for i in range(16)]
    small.write("a.yaml", document(1, ["10.0.0.1"]))
    small.start()
    keeps(small, "a.yaml")
    for n in range(2, 40):
        small.write("d%d.yaml" % n, document(n, big))
    small.reload()
    eventually(lambda: small.status().get("stateTrouble"), "the trouble")
    assert "No space left on device" in small.status()["stateTrouble"]
    assert len(small.ask(managed(39))) == 16
    for _ in range(4):                              # each tries again, and nothing is new
        small.reload()
    assert small.log.count("the next start reads the documents") == 1
    for n in range(2, 40):
        small.remove("d%d.yaml" % n)
    small.write("a.yaml", document(1, ["10.0.0.3"]))
    eventually(lambda: small.reload() and "stateTrouble" not in small.status(), "the disk has room again")
    eventually(lambda: "10.0.0.3" in (small.state / "accepted" / "a.yaml").read_text(), "kept again")


def test_files_that_may_not_grow_cost_the_snapshot_only(daemon):
    """LimitFSIZE= of a unit: beside the error of write(2) comes a signal that ends who does not expect it."""
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    shell = "ulimit -f 8; exec %s -c %s" % (PLDNSD, daemon.configure())
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen(["sh", "-c", shell], stderr=log, env=daemon.environment())
    eventually(daemon.is_ready, "readiness")
    daemon.write("b.yaml", document(2, ["10.0.0.2"], message="x" * 5000))
    eventually(lambda: "File too large" in daemon.status().get("stateTrouble", ""), "the trouble")
    assert daemon.ask(managed(1)) == ["10.0.0.1"] and daemon.ask(managed(2)) == ["10.0.0.2"]


@pytest.mark.parametrize("way", ["cleared", "removed", "moved"])
def test_state_directory_that_is_taken_away(running, way):
    """By whoever clears it.  All that is served is kept again with the next change."""
    daemon = running
    daemon.remove("b.yaml")
    daemon.reload()
    eventually((daemon.state / "detached").exists, "what was detached is kept")
    shell = {"cleared": "rm -rf %s/*", "removed": "rm -rf %s", "moved": "mv %s %s.old"}[way]
    subprocess.run(shell.replace("%s", str(daemon.state)), shell=True, check=True)
    daemon.write("c.yaml", document(3, ["10.0.0.3"]))
    daemon.reload()
    keeps(daemon, "a.yaml", "c.yaml")
    assert (daemon.state / "detached").exists()
    eventually(lambda: "stateTrouble" not in daemon.status(), "nothing is amiss any more")
    daemon.write("a.yaml", "nonsense")
    daemon.restart(signal.SIGKILL)
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.status()["documents"][0]["restored"] is True


def test_state_directory_that_is_taken_away_with_the_last_copy(running):
    """The folder has a broken version already: what is in service is nowhere to be had, and the next start ends."""
    daemon = running
    daemon.write("a.yaml", "nonsense")
    daemon.restart()
    assert daemon.status()["documents"][0]["restored"] is True
    shutil.copytree(daemon.state, daemon.folder / "copy")
    shutil.rmtree(daemon.state)
    daemon.reload()
    eventually(lambda: "a.yaml: the version in service is " in daemon.status().get("stateTrouble", ""), "it is told")
    keeps(daemon, "b.yaml")
    shutil.rmtree(daemon.state)
    shutil.copytree(daemon.folder / "copy", daemon.state)
    daemon.reload()
    eventually(lambda: "stateTrouble" not in daemon.status(), "it is there again")
    daemon.restart()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_state_directory_that_comes_back(running, upstream):
    """Mounted late, or once more: what was detached before goes on to be held, beside what was detached since."""
    daemon = running
    away = daemon.folder / "away"
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "%ds" % (10 * SLACK))
    daemon.restart()
    daemon.remove("a.yaml")
    daemon.reload()
    detached = time.monotonic()
    eventually((daemon.state / "detached").exists, "what was detached is kept")
    daemon.stop()
    daemon.state.rename(away)
    daemon.state.write_text("nothing is mounted here")
    daemon.write("c.yaml", document(3, ["10.0.0.3"]))
    daemon.start()
    assert daemon.status()["stateTrouble"]
    daemon.remove("b.yaml")
    daemon.reload()
    daemon.state.unlink()
    away.rename(daemon.state)
    daemon.reload()
    eventually(lambda: "detached" in daemon.chaos(managed(1)), "the hold goes on")
    assert daemon.ask(managed(1)) == "NXDOMAIN" and daemon.ask(managed(2)) == "NXDOMAIN" and upstream.names() == []
    assert daemon.ask(managed(3)) == ["10.0.0.3"]
    assert len([line for line in (daemon.state / "detached").read_text().splitlines() if " all " in line]) == 2
    daemon.restart(signal.SIGKILL)
    assert daemon.ask(managed(1)) == "NXDOMAIN" and daemon.ask(managed(2)) == "NXDOMAIN" and upstream.names() == []
    eventually(lambda: daemon.chaos(managed(1)).endswith(upstream.address), "the end of the hold", 20 * SLACK)
    assert time.monotonic() - detached > 10 * SLACK - 1


def held(*names):
    end = int(time.time() * 1000) + 600_000
    return "".join("%d one %s\n" % (end, name) for name in names)


@pytest.mark.parametrize("bad, why", [
    ("1795270059000 al", "1 of its lines"), ("\0\0\0\n\n" + "x" * 5000 + "\n", "3 of its lines")], ids=["cut off", "junk"])
def test_damaged_list_of_what_was_detached(daemon, upstream, bad, why):
    """What it still tells is held, what it does not is told of and left for somebody to look at."""
    daemon.set("forward.upstreams", [upstream.address])
    daemon.state.mkdir()
    kept, aside = daemon.state / "detached", daemon.state / "detached.damaged"
    kept.write_text(held("a.example.net") + bad if bad[-1] != "\n" else bad + held("a.example.net"))
    before = kept.read_bytes()
    daemon.start()
    assert daemon.ask("a.example.net") == "NXDOMAIN" and upstream.names() == []
    assert "level=error event=detached" in daemon.log and why in daemon.log
    assert why in daemon.status()["stateTrouble"]
    assert "pldns_state_trouble 1" in daemon.admin("/metrics").body
    eventually(lambda: kept.read_bytes() != before and b"a.example.net" in kept.read_bytes(), "the rest is kept")
    assert aside.read_bytes() == before
    daemon.restart()
    assert daemon.ask("a.example.net") == "NXDOMAIN" and upstream.names() == []
    assert "stateTrouble" not in daemon.status() and aside.read_bytes() == before


@pytest.mark.parametrize("make, why", [
    (lambda path: path.mkdir(), "is a directory"), (lambda path: path.touch(), "it is empty"),
    (lambda path: path.symlink_to("nowhere"), "No such file"), (lambda path: path.touch() or os.truncate(path, 97 << 20), "too large")],
    ids=["directory", "empty", "dangling", "too large"])
def test_list_of_what_was_detached_that_tells_nothing(daemon, make, why):
    daemon.set("attachments.detachHold", "1s")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.state.mkdir()
    kept, aside = daemon.state / "detached", daemon.state / "detached.damaged"
    aside.write_text("of another time")
    make(kept)
    daemon.start()
    assert "level=error event=detached" in daemon.log and why in daemon.log
    eventually(lambda: not os.path.lexists(kept), "it is out of the way")
    assert os.path.lexists(aside) and (not aside.is_file() or aside.stat().st_size != len("of another time"))
    time.sleep(1)
    daemon.reload()
    eventually(lambda: "stateTrouble" not in daemon.status(), "the hold is over")
    daemon.set("attachments.detachHold", "600s")
    daemon.restart()
    daemon.remove("a.yaml")
    daemon.reload()
    eventually(kept.is_file, "what is detached is kept again")
    assert "stateTrouble" not in daemon.status()


def ticks(daemon):
    """Processor time that it has used, in hundredths of a second."""
    with open("/proc/%d/stat" % daemon.process.pid, encoding="ascii") as file:
        return sum(int(word) for word in file.read().rsplit(")", 1)[1].split()[11:13])


def test_the_end_while_a_table_is_built(daemon):
    """It is not waited for: nobody would see it.  What was accepted before is left whole."""
    def write(address):
        for i in range(DOCUMENTS):
            domains = [{"type": "TIDBCLOUD_MANAGED", "uniqueName": unique(i * EACH + n)} for n in range(EACH)]
            daemon.write("%d.yaml" % i, document(i, [address], attachedDomains=domains))

    def is_kept(address):
        copies = [daemon.state / "accepted" / ("%d.yaml" % i) for i in range(DOCUMENTS)]
        return all(copy.exists() and address in copy.read_text() for copy in copies)

    write("10.0.0.1")
    daemon.start()
    eventually(lambda: is_kept("10.0.0.1"), "all is kept")
    daemon.process.send_signal(signal.SIGSTOP)
    write("10.0.0.2")
    before = ticks(daemon)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.process.send_signal(signal.SIGCONT)
    eventually(lambda: ticks(daemon) > before + 15, "it is being built")
    assert daemon.stop(signal.SIGINT) == 0
    assert "event=stopped exit=0" in daemon.log and not daemon.socket.exists()
    assert is_kept("10.0.0.1")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.2"]
