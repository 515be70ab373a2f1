#!/usr/bin/env python3
"""What two workers cost beside one: processor time of an answer at the same rate, and how evenly they share it.

usage: workers.py [ROUNDS [SECONDS [SOCKETS]]]    PLDNSD_BIN names the daemon; default: 15 rounds of 0.5 s, 4 client sockets

1,000 attachments over UDP, the two daemons in turn.  The load generator has the last processor.
At a fixed rate the daemons may use all others, or both where there are two; at saturation they have one, or all others
where there are more than two.  Last, each worker has 15 % of one processor (a control group, so root): what two answer
then beside one is what a second processor would give, as far as they are in no other's way.
"""
import os
import statistics
import sys
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("compare")))
import measure as m     # noqa: E402  pylint: disable=wrong-import-position
from sidecar import throttled_group     # noqa: E402  pylint: disable=wrong-import-position

SIZE = 1000
RATES = (20_000, 100_000)
PORT = 9300
SOCKETS = int(sys.argv[3]) if len(sys.argv) > 3 else 4
IN_FLIGHT = 256     # for each worker: batches are full
QUOTA, PERIOD = 3000, 20000     # microseconds: 15 %


def adapter(workers):
    pldns = next(a for a in m.load_adapters() if a.NAME == "pldns")

    def config(c):
        pldns.config(c)
        path = Path(c.dir, "pldns.yaml")
        path.write_text(path.read_text().replace("workers: 1\n", "workers: %d\n" % workers))

    return types.SimpleNamespace(NAME="pldns-%d" % workers, CAPS=pldns.CAPS, config=config, argv=pldns.argv)


def threads(pid):
    """{name: [nanoseconds]} of the workers' threads"""
    times = {}
    for task in Path("/proc/%d/task" % pid).iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("pldns-w"):
            times[name] = int((task / "schedstat").read_text().split()[0])
    return times


def pin(daemon, processors):
    for task in os.listdir("/proc/%d/task" % daemon.proc.pid):
        os.sched_setaffinity(int(task), processors)


def run(daemon, workers, seconds, load):
    load = {key: value * workers if key == "w" else value for key, value in load.items()}
    before = threads(daemon.proc.pid)
    result = m.measure(daemon, [(100, "att-%d-a" % SIZE)], d=seconds, c=SOCKETS, b=True, **load)
    used = [at - before[name] for name, at in sorted(threads(daemon.proc.pid).items())]
    result["spread"] = max(used) / (sum(used) or 1)
    return result


def table(title, pairs):
    """'pairs': one run of each daemon, side by side"""
    print("\n%s\n\n| workers | CPU ns a query | answers a second | p50 µs | p99 µs | lost %% | the busier worker's share |\n"
          "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |" % title)
    for n, runs in ((1, [one for one, _ in pairs]), (2, [two for _, two in pairs])):
        middle = {key: statistics.median(r[key] for r in runs) for key in ("cpuq", "qps", "p50", "p99", "spread")}
        lost = 100 * sum(r["lost"] for r in runs) / sum(r["sent"] for r in runs)
        print("| %d | %.0f | %.0f | %.0f | %.0f | %.3f | %.0f %% |"
              % (n, middle["cpuq"], middle["qps"], middle["p50"], middle["p99"], lost, 100 * middle["spread"]))
    ratios = sorted(two["cpuq"] / one["cpuq"] for one, two in pairs)
    print("\nCPU of two / of one, round by round: median %.3f, quartiles %.3f and %.3f; answers: median %.2f"
          % (statistics.median(ratios), ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4],
             statistics.median(two["qps"] / one["qps"] for one, two in pairs)))


def take_turns(daemons, rounds, seconds, load):
    for n, daemon in enumerate(daemons):
        run(daemon, n + 1, 0.1, load)
    return [tuple(run(daemon, n + 1, seconds, load) for n, daemon in enumerate(daemons)) for _ in range(rounds)]


def fence(daemon, workers):
    """Each worker has its part of a processor; returns the control group, or None."""
    group = throttled_group("workers-%d" % workers, workers * QUOTA, PERIOD)
    if group is not None:
        (group / "cgroup.procs").write_text(str(daemon.proc.pid))
    return group


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    processors = sorted(os.sched_getaffinity(0))
    m.CPU_LOAD, m.CPU_SRV = processors[-1], processors[0]
    spare = set(processors[:-1]) if len(processors) > 2 else set(processors)
    loads = [("At %d questions a second" % rate, spare, {"r": rate}) for rate in RATES]
    alone = spare if len(processors) > 2 else {processors[0]}
    loads.append(("At saturation, on processors: %d" % len(alone), alone, {"w": IN_FLIGHT}))
    groups = []
    m.build()
    m.qfiles(SIZE)
    daemons = [m.start(adapter(n), SIZE, PORT + 2 * n) for n in (1, 2)]
    try:
        for title, cores, load in loads:
            for daemon in daemons:
                pin(daemon, cores)
            table(title, take_turns(daemons, rounds, seconds, load))
        for n, daemon in enumerate(daemons):
            pin(daemon, {processors[0]})
            groups.append(fence(daemon, n + 1))
        if None not in groups:
            table("At saturation, each worker with 15 % of a processor",
                  take_turns(daemons, rounds, seconds, {"w": IN_FLIGHT}))
    finally:
        for daemon in daemons:
            m.stop(daemon.proc)
        for group in filter(None, groups):
            group.rmdir()
    print("\nprocessors: %d, of them for the daemons: %d" % (len(processors), len(spare)))


if __name__ == "__main__":
    main()
