#!/usr/bin/python3
"""What forwarding costs: pldns beside the forwarders that are installed.  PLDNSD_BIN names the binary.

  forward.py [--quick] [--servers a,b] [hitmiss] [inflight] [dead] [instr]

hitmiss   CPU per question, out of the cache and not, beside the bare responders of ../compare
inflight  CPU per question with 100, 1,000 and 10,000 questions on their way to a slow upstream, at one
          rate: whatever looks at all of them for each one would show
dead      latency of attached names at 10,000 a second, beside 500 questions a second that are forwarded to an
          upstream that answers, is silent, or where nobody listens
instr     user-space instructions per question of pldns, by callgrind
Without a word: all of them.  The machinery is that of ../compare/measure.py; what the figures mean is said there."""
import argparse, os, sys, time, types
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compare"))
import measure as m

RATE = 20000                        # questions a second, whatever is in flight: so the upstream takes in flight / RATE
IN_FLIGHT = (100, 1000, 10000)
BARE = ["echo-1rr", "echo-relay", "echo-relay64"]
PEERS = ["pldns", "unbound", "dnsdist"]

def adapters(names):
    return m.load_adapters(set(names))

def hitmiss(args):
    opts = types.SimpleNamespace(quick=True, full=False, secs=args.secs, rounds=args.rounds, workloads="W2,W3")
    m.cmd_table(opts, adapters(args.servers + BARE))

class Roomy:
    """An adapter whose server may have so many questions in flight."""
    def __init__(self, adapter, most):
        self.adapter, self.most = adapter, most
    def __getattr__(self, name):
        return getattr(self.adapter, name)
    def config(self, c):
        self.adapter.config(c)
        for name, old, new in (("pldns.yaml", "cache:\n", f"limits: {{inFlight: {self.most}}}\ncache:\n"),
                               ("main.conf", "num-queries-per-thread: 4096", f"num-queries-per-thread: {self.most}"),
                               ("main.conf", "outgoing-range: 8192", f"outgoing-range: {self.most + 2000}")):
            path = f"{c.dir}/{name}"
            if os.path.exists(path):
                text = open(path).read()
                open(path, "w").write(text.replace(old, new))

def slow_upstream(ms):
    up = m.spawn([m.WORK + "/bin/echo", "-l", m.ADDR, "-p", m.UP_PORT, "-m", "slow", "-D", ms, "-a", "-n", 1, "-t", 3600],
                 m.CPU_LOAD, m.WORK + "/up.log")
    time.sleep(.1)
    return up

def inflight(args):
    rows = []
    m.qfiles(1)
    for k, a in enumerate(adapters(args.servers)):
        for n in IN_FLIGHT:
            up = slow_upstream(n * 1000 // RATE)
            c = None
            try:
                c = m.start(Roomy(a, 2 * max(IN_FLIGHT)), 1, 9000 + k * 2, timeout=60)
                load = dict(w=n, c=16, b=True, t=3000)
                m.measure(c, [(100, "miss")], d=1.5, **load)       # round trips and sockets become known
                runs = [m.measure(c, [(100, "miss")], up=up, d=args.inflight_secs, **load) for _ in range(args.inflight_rounds)]
                rows.append((a.NAME, n, runs))
            except (RuntimeError, OSError) as e:
                print(f"# {a.NAME}: {e}", file=sys.stderr)
            if c: m.stop(c.proc)
            m.stop(up)
    m.save("inflight", [dict(server=s, in_flight=n, runs=runs) for s, n, runs in rows])
    print("| server | in flight | CPU ns a question | of it user | questions a second | answered late or not, % |\n|---|---:|---:|---:|---:|---:|")
    for name, n, runs in rows:
        g = lambda key: m.med([r[key] for r in runs])
        user, system = sum(r["ut"] for r in runs), sum(r["st"] for r in runs)
        lost = 100 * sum(r["timeout"] for r in runs) / max(1, sum(r["sent"] for r in runs))
        print(f"| {name} | {n:,} | {g('cpuq'):,.0f} | {g('cpuq') * user / max(1, user + system):,.0f} | {g('qps'):,.0f} | {lost:.2f} |")

def dead(args):
    rows = []
    m.qfiles(1000)
    for a in adapters(["pldns"]):
        for rnd in range(args.rounds):
            for state in ("answers", "is silent", "is closed"):
                up = m.start_upstream() if state == "answers" else slow_upstream(600000) if state == "is silent" else None
                time.sleep(.1)
                c = m.start(a, 1000, 9100, timeout=60)
                beside = m.dnsload(c.port, [(100, "miss")], d=args.dead_secs + 1, r=500, c=4, b=True, t=3000)
                time.sleep(.5)
                rows.append((state, m.measure(c, [(100, "att-1000-a")], d=args.dead_secs, r=10000, c=4, b=True)))
                beside.communicate()
                m.stop(c.proc)
                if up: m.stop(up)
    m.save("dead", rows)
    print("| the upstream | p50 µs | p99 µs | p99.9 µs | lost |\n|---|---:|---:|---:|---:|")
    for state in dict.fromkeys(s for s, _ in rows):
        runs = [r for s, r in rows if s == state]
        g = lambda key: m.med([r[key] for r in runs])
        print(f"| {state} | {g('p50'):,.0f} | {g('p99'):,.0f} | {g('p999'):,.0f} | {sum(r['lost'] for r in runs)} |")

def instr(args):
    m.cmd_instr(types.SimpleNamespace(), adapters(["pldns"]))

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", nargs="*", metavar="hitmiss|inflight|dead|instr")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--servers", default=",".join(PEERS))
    args = ap.parse_args()
    parts = {"hitmiss": hitmiss, "inflight": inflight, "dead": dead, "instr": instr}
    if not set(args.what) <= set(parts): ap.error("none of: " + ", ".join(parts))
    args.servers = args.servers.split(",")
    args.rounds, args.secs, args.inflight_rounds, args.inflight_secs, args.dead_secs = \
        (2, .5, 1, 3, 3) if args.quick else (5, .7, 3, 5, 4)
    m.build(); os.makedirs(m.WORK + "/run", exist_ok=True); m.unique(1000)
    try:
        for name, run in parts.items():
            if name in (args.what or parts):
                print(f"\n## {name}\n", flush=True)
                run(args)
    finally:
        for p in m._started:
            if p.poll() is None: m.stop(p)

if __name__ == "__main__":
    sys.exit(main())
