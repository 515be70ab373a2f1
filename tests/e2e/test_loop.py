"""An upstream that forwards to us: it is found out and left alone, the others go on."""
import socket
import threading
import time

import pytest

from conftest import document, eventually, free_port, managed


class Mirror:
    """A forwarder whose only upstream is pldnsd itself."""

    def __init__(self, host="127.0.0.1", port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.address = "%s:%d" % (host, self.socket.getsockname()[1])
        self.target = None
        self.seen = 0
        self.over = False
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        asked = {}
        while not self.over:
            try:
                message, peer = self.socket.recvfrom(65535)
            except (socket.timeout, ConnectionRefusedError):
                continue
            if message[2] & 0x80:
                if message[:2] in asked:
                    self.socket.sendto(message, asked.pop(message[:2]))
            elif self.target is not None:
                self.seen += 1
                asked[message[:2]] = peer
                self.socket.sendto(message, self.target)

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()


@pytest.fixture(name="mirror")
def fixture_mirror():
    mirror = Mirror()
    yield mirror
    mirror.close()


def test_an_upstream_that_leads_back_is_refused(daemon, upstream, mirror):
    upstream.answers["www.example"] = ["192.0.2.1"]
    mirror.target = ("127.0.0.1", daemon.port)
    daemon.set("forward.upstreams", [mirror.address, upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    eventually(lambda: "a question sent there came back to us" in daemon.log, "the loop is found")
    assert "upstream=%s" % mirror.address in daemon.log
    seen = mirror.seen
    for i in range(20):
        upstream.answers["n%d.example" % i] = ["192.0.2.%d" % i]
        assert daemon.ask("n%d.example" % i) == ["192.0.2.%d" % i]
    assert mirror.seen == seen
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.log.count("came back to us") == 1
    assert daemon.status()["upstreamsLooping"] == [mirror.address]
    told = [line.split() for line in daemon.ctl("status").stdout.splitlines()]
    assert ["in", "a", "circle", mirror.address] in told


def test_nobody_is_left(daemon, mirror):
    mirror.target = ("127.0.0.1", daemon.port)
    daemon.set("forward.upstreams", [mirror.address])
    daemon.start()
    eventually(lambda: "a question sent there came back to us" in daemon.log, "the loop is found")
    reply = daemon.query("www.example", use_edns=0, timeout=2)
    assert reply.rcode() == 2 and [option.code for option in reply.options] == [22]


def test_one_that_is_not_there_is_not_said_to_be_probed(daemon, upstream):
    """Whether it leads back to us is asked now and then.  That it is silent is for those to tell who go on asking."""
    daemon.set("forward.upstreams", [upstream.address, "127.0.0.1:%d" % free_port()])
    daemon.start()
    time.sleep(3)
    assert "upstream silent" not in daemon.log
