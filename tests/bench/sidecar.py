#!/usr/bin/env python3
"""What a sidecar costs: memory and wake-ups of an idle pldnsd with one worker, and what it answers with a twentieth
of a processor.

usage: sidecar.py [ATTACHMENTS]      PLDNSD_BIN names the daemon; default: 1000 attachments

The last part wants root and a cpu control group that can be written (version 1 or 2); without, it is left out.
"""
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IDLE_SECONDS = 20
LOAD_SECONDS = 8
RATES = (100, 1000, 5000)
QUOTA, PERIOD = 5000, 100000    # microseconds: 50m, as Kubernetes has it
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def unique(n):
    return "".join(LETTERS[n // 32 ** i % 32] for i in range(26))


def write_documents(folder, attachments):
    lines = ["privateLinkConnections:"]
    for n in range(attachments):
        lines.append("- {privateLinkConnectionId: plc-%07d, type: AWS_ENDPOINT_SERVICE, endpoints: [{addresses: [10.0.%d.%d]}], "
                     "attachedDomains: [{type: TIDBCLOUD_MANAGED, uniqueName: %s}]}" % (n, n // 256 % 256, n % 256, unique(n)))
    Path(folder, "bench.yaml").write_text("\n".join(lines) + "\n", encoding="ascii")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """One pldnsd with one worker; its upstream is silent and never asked."""

    def __init__(self, attachments, group=None):
        self.folder = tempfile.mkdtemp(prefix="pldns-sidecar.")
        self.port = free_port()
        os.mkdir(self.folder + "/attachments.d")
        write_documents(self.folder + "/attachments.d", attachments)
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind(("127.0.0.1", 0))
        Path(self.folder, "pldns.yaml").write_text(
            'listen: ["127.0.0.1:%d"]\nworkers: 1\nattachments: {directory: "%s/attachments.d", state: "%s/state"}\n'
            'forward: {upstreams: ["127.0.0.1:%d"]}\nadmin: {listen: ["unix:%s/admin.sock"]}\n'
            % (self.port, self.folder, self.folder, self.silent.getsockname()[1], self.folder), encoding="ascii")
        enter = (lambda: Path(group, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")) if group else None
        self.process = subprocess.Popen([os.environ["PLDNSD_BIN"], "-c", self.folder + "/pldns.yaml"],     # pylint: disable=subprocess-popen-preexec-fn
                                        stderr=subprocess.DEVNULL, preexec_fn=enter)

    def __enter__(self):
        end = time.monotonic() + 60
        while not ask(self.port, [0.0])[0]:
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit("sidecar: pldnsd does not answer")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.silent.close()
        shutil.rmtree(self.folder)

    def memory(self):
        text = Path("/proc/%d/smaps_rollup" % self.process.pid).read_text(encoding="ascii")
        kb = {key: int(value) for key, value in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}
        return kb["Pss"] / 1024, kb["Private_Dirty"] / 1024

    def switches(self):
        """Voluntary context switches of each thread: every wake-up ends in one."""
        tasks = Path("/proc/%d/task" % self.process.pid).iterdir()
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(encoding="ascii"), re.M)[1])
                   for task in tasks)


def ask(port, times):
    """Asks at these times (seconds from now); returns the latencies, and how many were not answered in a second."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in ("b1.%s.aws.plc.tidbcloud.com" % unique(7)).split(".")) + b"\0"
    waiting, latencies, sent, start = {}, [], 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.setblocking(False)
        while sent < len(times) or (waiting and time.monotonic() < start + times[-1] + 1):
            while sent < len(times) and start + times[sent] <= time.monotonic():
                waiting[sent & 0xffff] = time.monotonic()
                try:
                    s.send(struct.pack("!HHHHHH", sent & 0xffff, 0x100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1))
                except OSError:
                    pass    # nobody listens yet
                sent += 1
            try:
                while True:
                    asked = waiting.pop(struct.unpack("!H", s.recv(4096)[:2])[0], None)
                    if asked is not None:
                        latencies.append(time.monotonic() - asked)
            except OSError:
                time.sleep(0.0003)
    return sorted(latencies), len(times) - len(latencies)


def throttled_group(name, quota, period):
    """A new control group with so much of a processor, or None."""
    try:
        one = Path("/sys/fs/cgroup/cpu/pldns-%s-%d" % (name, os.getpid()))
        if one.parent.is_dir():
            one.mkdir()
            (one / "cpu.cfs_period_us").write_text(str(period), encoding="ascii")
            (one / "cpu.cfs_quota_us").write_text(str(quota), encoding="ascii")
            return one
        two = Path("/sys/fs/cgroup/pldns-%s-%d" % (name, os.getpid()))
        two.mkdir()
        (two / "cpu.max").write_text("%d %d" % (quota, period), encoding="ascii")
        return two
    except OSError as error:
        print("throttled: left out, for there is no control group to write: %s" % error)
        return None


def main():
    attachments = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with Daemon(attachments) as daemon:
        time.sleep(3)
        pss, dirty = daemon.memory()
        before = daemon.switches()
        time.sleep(IDLE_SECONDS)
        print("%d attachments, one worker: %.1f MiB PSS, of it %.1f written to; idle: %.1f wake-ups a second"
              % (attachments, pss, dirty, (daemon.switches() - before) / IDLE_SECONDS))
    group = throttled_group("sidecar", QUOTA, PERIOD)
    if group is None:
        return
    try:
        with Daemon(attachments, group) as daemon:
            for rate in RATES:
                latencies, lost = ask(daemon.port, [n / rate for n in range(rate * LOAD_SECONDS)])
                print("50m CPU, %4d questions a second: %d of %d lost; latency p50 %.2f ms, p99 %.1f ms, worst %.1f ms"
                      % (rate, lost, rate * LOAD_SECONDS, latencies[len(latencies) // 2] * 1e3,
                         latencies[len(latencies) * 99 // 100] * 1e3, latencies[-1] * 1e3))
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
