"""Upstreams of a resolv.conf, as it changes under a running daemon."""
import threading
import time

import dns.exception
import pytest

from conftest import Upstream, document, eventually, managed
from test_loop import Mirror


class File:
    """A resolv.conf that a daemon reads."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.path = daemon.folder / "resolv.conf"
        del daemon.settings["forward"]["upstreams"]
        daemon.set("forward.resolvConf", str(self.path))

    def name(self, *servers):
        """As everybody should: beside, then renamed."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text("".join("nameserver %s\n" % server for server in servers))
        fresh.rename(self.path)

    def wait_for(self, *servers):
        eventually(lambda: self.daemon.status()["upstreams"] == list(servers), "taking up %s" % (servers,))

    def logged(self, text, times=1):
        eventually(lambda: self.daemon.log.count(text) >= times, "'%s' in the log" % text)


@pytest.fixture(name="file")
def fixture_file(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    return File(daemon)


@pytest.fixture(name="at_53")
def fixture_at_53():
    """Makes scripted servers where a resolv.conf can name them: at port 53 of an address of their own."""
    made = []

    def make(host, kind=Upstream):
        try:
            made.append(kind(host, 53))
        except OSError as error:
            pytest.skip("no port 53 to be had for %s: %s" % (host, error))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_a_change_is_taken_up(daemon, file):
    file.name("127.0.0.61")
    daemon.start()
    assert daemon.status()["upstreams"] == ["127.0.0.61"]
    file.name("127.0.0.62", "127.0.0.61")
    file.wait_for("127.0.0.62", "127.0.0.61")
    file.logged("upstreams=127.0.0.62,127.0.0.61")
    assert "127.0.0.62, 127.0.0.61" in daemon.chaos("www.example")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_in_place_and_through_links(daemon, file):
    first, second = daemon.folder / "1", daemon.folder / "2"
    first.write_text("nameserver 127.0.0.61\n")
    second.write_text("nameserver 127.0.0.62\n")
    file.path.symlink_to(first)
    daemon.start()
    first.write_text("nameserver 127.0.0.63\n")
    file.wait_for("127.0.0.63")
    link = daemon.folder / "link"
    link.symlink_to(second)
    link.rename(file.path)
    file.wait_for("127.0.0.62")


def test_what_is_no_use_changes_nothing(daemon, file):
    file.name("127.0.0.61")
    daemon.start()
    file.path.write_text("")
    file.logged("it names no server but ourselves")
    file.path.unlink()
    file.logged("it cannot be read")
    file.path.mkdir()
    file.logged("it cannot be read", 2)
    file.path.rmdir()
    file.path.write_bytes(b"nameserver \0\xff\nnameserver tcp://127.0.0.1\n" * 3)
    file.logged("it names no server but ourselves", 2)
    assert daemon.log.count("the last good upstreams stay") <= 5
    assert daemon.status()["upstreams"] == ["127.0.0.61"]
    assert daemon.log.count("upstreams changed") == 0
    file.name("127.0.0.62")
    file.wait_for("127.0.0.62")


def test_a_file_that_stays_away_is_told_of_once(daemon, file):
    """It is looked for again every two seconds."""
    file.name("127.0.0.61")
    daemon.start()
    file.path.unlink()
    file.logged("it cannot be read")
    time.sleep(5)
    assert daemon.log.count("it cannot be read") == 1


def test_a_file_that_is_not_there_yet(daemon, file):
    daemon.start()
    assert "there is no upstream" in daemon.log
    assert daemon.ask("www.example") == "SERVFAIL"
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    file.name("127.0.0.61")
    file.wait_for("127.0.0.61")


def test_the_configuration_goes_first(daemon, file, upstream):
    upstream.answers["www.example"] = ["192.0.2.1"]
    daemon.set("forward.upstreams", [upstream.address])
    file.name("127.0.0.61")
    daemon.start()
    file.name("127.0.0.62")
    assert daemon.ask("www.example") == ["192.0.2.1"]
    assert daemon.status()["upstreams"] == [upstream.address]


def test_questions_follow(daemon, file, at_53):
    one, two = at_53("127.0.0.61"), at_53("127.0.0.62")
    for server, address in ((one, "192.0.2.1"), (two, "192.0.2.2")):
        for i in range(4):
            server.answers["n%d.example" % i] = [address]
    file.name("127.0.0.61")
    daemon.set("workers", 1)
    daemon.set("cache.size", 0)
    daemon.start()
    assert daemon.ask("n0.example") == ["192.0.2.1"]
    file.name("127.0.0.62")
    file.wait_for("127.0.0.62")
    eventually(lambda: daemon.ask("n1.example") and two.names(), "a question to the new one")
    asked = len(one.asked)
    assert daemon.ask("n2.example") == ["192.0.2.2"]
    assert len(one.asked) == asked


def test_one_that_leads_back_is_found_out(daemon, file, at_53):
    good = at_53("127.0.0.62")
    mirror = at_53("127.0.0.63", Mirror)
    mirror.target = ("127.0.0.1", daemon.port)
    file.name("127.0.0.62")
    daemon.start()
    file.name("127.0.0.63", "127.0.0.62")
    file.logged("a question sent there came back to us")
    good.answers["www.example"] = ["192.0.2.1"]
    assert daemon.ask("www.example") == ["192.0.2.1"]


def test_changes_under_load(daemon, file, at_53):
    servers = [at_53("127.0.0.%d" % n) for n in (61, 62)]
    for server in servers:
        server.answers.update({"n%d.example" % i: ["192.0.2.1"] for i in range(2000)})
    file.name("127.0.0.61")
    daemon.set("cache.size", 0)
    daemon.set("forward.timeout", "20s")
    daemon.start()
    over, wrong, asked = threading.Event(), [], []

    def ask():
        for i in range(2000):
            if over.is_set():
                return
            try:
                answer = daemon.ask("n%d.example" % i, timeout=30)
            except dns.exception.Timeout:
                answer = "nothing"
            asked.append(answer)
            if answer != ["192.0.2.1"]:
                wrong.append(answer)

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for client in clients:
        client.start()
    for server in ("127.0.0.62", "127.0.0.61", "127.0.0.62"):
        file.name(server)
        file.wait_for(server)
    over.set()
    for client in clients:
        client.join()
    assert asked and not wrong
