"""A restart from the image in the state directory: as one without it, only sooner."""
import os
import signal
import struct
import threading
from pathlib import Path

import pytest

import conftest
from conftest import document, eventually, managed


@pytest.fixture(name="running")
def fixture_running(daemon):
    for n in range(1, 6):
        daemon.write("d%d.yaml" % n, document(n, ["10.0.0.%d" % n]))
    daemon.start()
    eventually((daemon.state / "image").exists, "the image")
    return daemon


def answers(daemon):
    return [daemon.ask(managed(n)) for n in range(1, 7)]


ALL = [["10.0.0.%d" % n] for n in range(1, 6)]


def log_of_last_start(daemon):
    return daemon.log[daemon.log.rindex("event=stopped"):] if "event=stopped" in daemon.log else daemon.log


def test_nothing_changed(running):
    daemon = running
    first = (daemon.state / "image").stat()
    for _ in range(2):
        daemon.restart()
        assert "event=image documents=5" in log_of_last_start(daemon)
        assert answers(daemon)[:5] == ALL
        assert daemon.status()["table"]["documents"] == 5
    assert (daemon.state / "image").stat().st_ino == first.st_ino       # it is still good
    # Changes after such a start are as any others.
    daemon.write("d1.yaml", document(1, ["10.1.0.1"]))
    daemon.reload()
    assert answers(daemon)[:5] == [["10.1.0.1"]] + ALL[1:]
    daemon.restart(signal.SIGKILL)
    assert answers(daemon)[:5] == [["10.1.0.1"]] + ALL[1:]


def test_a_document_that_cannot_be_kept(daemon):
    """Its name is too long for a file of the state directory.  It is told, and there are images all the same."""
    long = "ä" * 120 + ".yaml"
    for n in range(1, 6):
        daemon.write("d%d.yaml" % n, document(n, ["10.0.0.%d" % n]))
    daemon.write(long, document(6, ["10.0.0.6"]))
    daemon.start()
    eventually((daemon.state / "image").exists, "the image")
    eventually(lambda: "too long to be kept" in daemon.status().get("stateTrouble", ""), "the trouble")
    assert answers(daemon) == ALL + [["10.0.0.6"]]
    daemon.stop()
    daemon.write(long, document(6, ["10.1.0.6"]))
    daemon.write("d1.yaml", document(1, ["10.1.0.1"]))
    daemon.start()
    assert "event=image documents=6" in log_of_last_start(daemon)
    assert answers(daemon) == [["10.1.0.1"]] + ALL[1:] + [["10.1.0.6"]]
    eventually(lambda: "too long to be kept" in daemon.status().get("stateTrouble", ""), "the trouble")
    daemon.stop()
    daemon.write(long, "nonsense: [")       # as if it had never been accepted
    daemon.set("attachments.onStartError", "serve")
    daemon.start()
    assert daemon.ask(managed(6)) not in (["10.0.0.6"], ["10.1.0.6"]) and answers(daemon)[:5] == [["10.1.0.1"]] + ALL[1:]
    daemon.stop()
    daemon.remove(long)
    daemon.write("d6.yaml", document(6, ["10.2.0.6"]))
    daemon.start()
    assert answers(daemon) == [["10.1.0.1"]] + ALL[1:] + [["10.2.0.6"]]
    eventually(lambda: "stateTrouble" not in daemon.status(), "no trouble")


def test_changes_while_it_was_down(running):
    daemon = running
    daemon.stop()
    daemon.write("d1.yaml", document(1, ["10.1.0.1"]))
    daemon.remove("d2.yaml")
    daemon.write("d3.yaml", "nonsense: [")
    daemon.write("d6.yaml", document(6, ["10.0.0.6"]))
    daemon.start()
    assert "event=image documents=5" in log_of_last_start(daemon)
    assert answers(daemon) == [["10.1.0.1"], "NXDOMAIN", ["10.0.0.3"], ["10.0.0.4"], ["10.0.0.5"], ["10.0.0.6"]]
    told = {d["name"]: d for d in daemon.status()["documents"]}
    assert told["d3.yaml"]["restored"] and not told["d4.yaml"]["restored"]
    daemon.restart()                                                    # the tombstone lasts, and so does the fallback
    assert answers(daemon) == [["10.1.0.1"], "NXDOMAIN", ["10.0.0.3"], ["10.0.0.4"], ["10.0.0.5"], ["10.0.0.6"]]


def damage(path, what):
    if what == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif what == "empty":
        os.truncate(path, 0)
    elif what == "flipped":
        with open(path, "r+b") as file:
            file.seek(4096 + 3)
            octet = file.read(1)
            file.seek(4096 + 3)
            file.write(bytes([octet[0] ^ 4]))
    elif what == "link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
    else:
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize("what, why", [
    ("cut", "it is damaged"), ("empty", "it is no image"), ("flipped", "it is damaged"), ("link", None), ("folder", None)])
def test_damaged_image(running, what, why):
    daemon = running
    daemon.stop()
    image = daemon.state / "image"
    damage(image, what)
    damaged = image.lstat().st_ino
    daemon.start()
    assert answers(daemon)[:5] == ALL
    log = log_of_last_start(daemon)
    assert "event=image documents" not in log and (why is None or 'event=image why="%s"' % why in log)
    if what == "folder":                                                # somebody else's: left alone
        eventually(lambda: "the next start reads the documents" in daemon.log, "its failure")
        return
    eventually(lambda: image.lstat().st_ino != damaged, "a good one")
    daemon.restart()
    assert "event=image documents=5" in log_of_last_start(daemon)
    assert answers(daemon)[:5] == ALL


def damage_in_place(path, what):
    """As somebody does who restores a backup, or clears a disk, without a thought for who looks into the file."""
    octets = path.read_bytes()
    if what == "empty":
        os.truncate(path, 0)
    elif what == "cut":
        os.truncate(path, len(octets) // 2)
    elif what == "longer":
        os.truncate(path, 1 << 40)
    elif what == "other octets":
        with open(path, "r+b") as file:
            file.write(b"\xa5" * len(octets))
    elif what == "other octets behind the head":
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (len(octets) - 4096))
    elif what == "replaced":
        path.with_name("other").write_bytes(b"other" * 5000)
        path.with_name("other").rename(path)
    else:
        path.unlink()


@pytest.mark.parametrize("what", [
    "empty", "cut", "longer", "other octets", "other octets behind the head", "replaced", "deleted"])
@pytest.mark.parametrize("start", ["first start", "start from the image"])
def test_damaged_while_running(running, start, what):
    """Whatever becomes of the file, it is nothing to who runs, and costs the next start its time."""
    daemon = running
    if start == "start from the image":
        daemon.restart()
        assert "event=image documents=5" in log_of_last_start(daemon)
    damage_in_place(daemon.state / "image", what)
    for turn in range(1, 5):
        for n in range(1, 6):
            daemon.write("d%d.yaml" % n, document(n, ["10.%d.0.%d" % (turn, n)]))
            daemon.reload()
        assert answers(daemon)[:5] == [["10.%d.0.%d" % (turn, n)] for n in range(1, 6)]
    daemon.remove("d5.yaml")
    daemon.write("d6.yaml", document(5, ["10.6.0.5"]))                  # nobody claims the name any more
    daemon.reload()
    assert answers(daemon)[:5] == [["10.4.0.%d" % n] for n in range(1, 5)] + [["10.6.0.5"]]
    for _ in range(2):
        daemon.restart()
        assert answers(daemon)[:5] == [["10.4.0.%d" % n] for n in range(1, 5)] + [["10.6.0.5"]]
        assert daemon.status()["table"]["documents"] == 5


def test_restored_while_running(running):
    """An older image of ours: the next start takes it, and what was accepted since."""
    daemon = running
    first = (daemon.state / "image").read_bytes()
    for n in range(1, 4):
        daemon.write("d%d.yaml" % n, document(n, ["10.1.0.%d" % n]))
    daemon.reload()
    (daemon.state / "image").write_bytes(first)
    daemon.write("d4.yaml", document(4, ["10.1.0.4"]))
    daemon.reload()
    expected = [["10.1.0.%d" % n] for n in range(1, 5)] + ALL[4:]
    assert answers(daemon)[:5] == expected
    daemon.restart()
    assert answers(daemon)[:5] == expected


def files_looked_into(daemon):
    """Those of the state directory that are mapped or open, besides its lock."""
    process = Path("/proc/%d" % daemon.process.pid)
    mapped = {line.split(maxsplit=5)[5] for line in (process / "maps").read_text().splitlines() if "/" in line}
    opened = {os.readlink(fd) for fd in (process / "fd").iterdir()}
    return {path for path in mapped | opened if path.startswith(str(daemon.state) + "/")
            and not os.path.isdir(path) and Path(path).name != "lock"}


def test_nobody_else_reaches_what_is_looked_into(running):
    daemon = running
    for _ in range(3):
        files = files_looked_into(daemon)
        assert files and all(path.endswith(" (deleted)") for path in files), files
        assert (daemon.state / "image").stat().st_nlink == 1
        daemon.restart()
    assert sorted(path.name for path in daemon.state.iterdir()) == ["accepted", "image", "lock"]


def test_damaged_while_it_is_read(running):
    """Somebody restores it over and over, in place, while daemons start."""
    daemon = running
    good = (daemon.state / "image").read_bytes()
    ended = threading.Event()

    def restore():
        while not ended.is_set():
            with open(daemon.state / "image", "wb", buffering=0) as file:
                for at in range(0, len(good), 4096):
                    file.write(good[at:at + 4096])

    daemon.stop()
    thread = threading.Thread(target=restore)
    thread.start()
    try:
        for turn in range(1, 9):
            daemon.start()
            assert answers(daemon)[:5] == [["10.%d.0.1" % (turn - 1)]] + ALL[1:]
            daemon.write("d1.yaml", document(1, ["10.%d.0.1" % turn]))
            daemon.reload()
            assert answers(daemon)[:5] == [["10.%d.0.1" % turn]] + ALL[1:]
            assert daemon.stop() == 0
    finally:
        ended.set()
        thread.join()


def test_longer_image(running):
    """What stands behind it is no business of ours; least of all is it copied."""
    daemon = running
    daemon.stop()
    os.truncate(daemon.state / "image", 1 << 40)
    daemon.start()
    assert "event=image documents=5" in log_of_last_start(daemon)
    assert answers(daemon)[:5] == ALL


def test_other_configuration(running):
    """Our own zone decides what tables hold."""
    daemon = running
    daemon.stop()
    daemon.set("zone", "use1-az1")
    daemon.start()
    assert 'why="another program or configuration wrote it"' in log_of_last_start(daemon)
    assert answers(daemon)[:5] == ALL


def own_id(program):
    """Where the build id stands in the file."""
    note = struct.pack("<3I4s", 4, 20, 3, b"GNU\0")
    assert program.count(note) == 1
    return program.index(note) + len(note)


def test_other_program(running, tmp_path, monkeypatch):
    """Another build lays memory out otherwise; the same program in another place does not.  One that does not
    know which it is takes no image, and leaves the one that is there alone."""
    daemon = running
    program = bytearray(Path(conftest.PLDNSD).read_bytes())
    at = own_id(program)
    other = tmp_path / "other"

    def restart_as(octets):
        daemon.stop()
        other.write_bytes(octets)
        other.chmod(0o755)
        monkeypatch.setattr(conftest, "PLDNSD", str(other))
        daemon.start()
        assert answers(daemon)[:5] == ALL
        return log_of_last_start(daemon)

    first = (daemon.state / "image").stat().st_ino
    assert "event=image documents=5" in restart_as(program)
    program[at - 8] ^= 64                                               # the note is of another kind: no id
    assert "event=image" not in restart_as(program)
    assert (daemon.state / "image").stat().st_ino == first
    program[at - 8] ^= 64
    program[at] ^= 1
    assert 'why="another program or configuration wrote it"' in restart_as(program)
    eventually(lambda: (daemon.state / "image").stat().st_ino != first, "an image of its own")


def test_killed_while_one_was_made(running):
    daemon = running
    daemon.stop()
    (daemon.state / "image.new").write_bytes(b"x" * 10000)
    (daemon.state / "image").unlink()
    daemon.start()
    assert answers(daemon)[:5] == ALL
    eventually((daemon.state / "image").exists, "the image")
    assert not (daemon.state / "image.new").exists()


def test_much_changed(running):
    """Beyond an eighth of all connections another image is worth its while."""
    daemon = running
    first = (daemon.state / "image").stat().st_ino
    for n in range(1, 4):
        daemon.write("d%d.yaml" % n, document(n, ["10.2.0.%d" % n]))
    eventually(lambda: daemon.reload() and (daemon.state / "image").stat().st_ino != first, "another image", 60)
    daemon.restart()
    assert answers(daemon)[:5] == [["10.2.0.1"], ["10.2.0.2"], ["10.2.0.3"]] + ALL[3:]


def test_no_state_directory(daemon):
    daemon.set("attachments.state", "")
    daemon.write("d1.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    daemon.restart()
    assert daemon.ask(managed(1)) == ["10.0.0.1"] and "event=image" not in daemon.log
