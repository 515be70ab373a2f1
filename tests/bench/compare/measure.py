#!/usr/bin/python3
"""Side-by-side measurement of DNS servers for the attached-domain job.  See README.md.

  measure.py table  [--quick|--full] [--servers a,b] [--workloads W1_1k,W2,...]
  measure.py start  [--sizes 1000,100000,1000000] [--servers ...]
  measure.py reload [--n 100000] [--servers ...]
  measure.py instr  [--servers ...]          (valgrind; instructions per query)
  measure.py check  [--servers ...]          (start each, one answer per workload)
"""
import argparse, base64, glob, hashlib, importlib.util, json, os, re, shutil, signal
import socket, statistics, struct, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.environ.get("PLDNS_COMPARE_DIR") or os.path.join(tempfile.gettempdir(), "pldns-compare")
ADDR = "127.0.0.1"
UP_PORT = 5400
SUFFIX = "aws.plc.tidbcloud.com"
NHOT = 1000
CPU_SRV, CPU_LOAD = 0, (1 if os.cpu_count() > 1 else 0)
TICK = os.sysconf("SC_CLK_TCK")
HOTD, MISSD = "hot.example.net", "miss.example.net"

# ---------------------------------------------------------------- data set
_names = []
def unique(i):
    while len(_names) <= i:
        h = hashlib.sha256(b"att%d" % len(_names)).digest()
        _names.append(base64.b32encode(h)[:26].decode().lower())
    return _names[i]

def ips(i, gen=0):
    b = ((10 + gen) << 24) + i * 4
    return [socket.inet_ntoa(struct.pack(">I", b + k)) for k in (1, 2, 3)]

class Ctx:
    """What an adapter gets.  c.attachments() yields (unique, [3 IPv4])."""
    def __init__(self, name, n, port, keep=False):
        self.name, self.n, self.port, self.addr = name, n, port, ADDR
        self.up_port, self.suffix, self.bin = UP_PORT, SUFFIX, WORK + "/bin"
        self.gen, self.proc, self.want = 0, None, {}
        self.ctl_port = port + 1000          # a free TCP/UDP port for control channels
        self.dir = f"{WORK}/run/{name}-{n}"
        if not keep: shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir, exist_ok=True)
    def changed(self, i):                    # 1 in 100 attachments moves in generation 1
        return self.gen == 1 and i % 100 == 0
    def attachments(self):
        for i in range(self.n):
            yield unique(i), ips(i, 1 if self.changed(i) else 0)
    def write(self, fn, text):               # whole-file replace by rename
        p = f"{self.dir}/{fn}"
        with open(p + ".new", "w") as f:
            f.writelines([text] if isinstance(text, str) else text)
        os.rename(p + ".new", p)
        return p
    def zone(self, fn="att.zone"):           # the attachments as an RFC 1035 master file
        def lines():
            yield f"$ORIGIN {SUFFIX}.\n$TTL 60\n@ 3600 SOA ns.{SUFFIX}. h.{SUFFIX}. {self.gen + 1} 3600 600 86400 60\n@ 3600 NS ns.{SUFFIX}.\nns 3600 A 10.255.255.1\n"
            for u, a in self.attachments():
                yield "".join(f"*.{u} A {x}\n" for x in a)
        return self.write(fn, lines())
    def signal(self, sig): os.kill(self.proc.pid, sig)
    def run(self, argv, **kw):
        return subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, **kw)

def words(option, text, known):
    """The words of an option's list, all of which are to be known ones."""
    got = [w for w in (text or "").split(",") if w]
    bad = [w for w in got if w not in known]
    if bad: sys.exit(f"measure.py: {option}: there is no {', '.join(bad)}; one or more of: {','.join(known)}")
    return got

def load_adapters(only=None):
    out = {}
    for f in sorted(glob.glob(HERE + "/adapters/*.py")):
        spec = importlib.util.spec_from_file_location(os.path.basename(f)[:-3], f)
        m = importlib.util.module_from_spec(spec); spec.loader.exec_module(m)
        for a in (m.VARIANTS if hasattr(m, "VARIANTS") else [m]):
            out[a.NAME] = a
    only = words("--servers", only, out)
    order = sorted(out.values(), key=lambda a: (getattr(a, "ORDER", 50), a.NAME))
    def there(a):
        b = getattr(a, "BIN", None)
        return not b or shutil.which(b) or os.path.exists(b)
    wanted = [a for a in order if not only or a.NAME in only]
    for a in wanted:
        if only and not there(a): print(f"# not installed: {a.NAME}", file=sys.stderr)
    return [a for a in wanted if there(a)]

# ---------------------------------------------------------------- processes
def pin(cpu):
    def f():
        os.sched_setaffinity(0, {cpu})
    return f

_started = []
def spawn(argv, cpu, log, cwd=None, env=None):
    e = dict(os.environ); e.update(env or {})
    p = subprocess.Popen([str(a) for a in argv], preexec_fn=pin(cpu), cwd=cwd, env=e, stdin=subprocess.DEVNULL,
                         stdout=open(log, "ab"), stderr=subprocess.STDOUT, start_new_session=True)
    _started.append(p)
    return p

def tree(pid):
    kids, out = {}, []
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                s = open(f"/proc/{d}/stat").read()
                kids.setdefault(int(s[s.rindex(")") + 2:].split()[1]), []).append(int(d))
            except OSError: pass
    todo = [pid]
    while todo:
        p = todo.pop(); out.append(p); todo += kids.get(p, [])
    return out

def cpu_ns(pid):
    """CPU time of the process tree: live threads exactly, reaped children by ticks."""
    t = 0
    for p in tree(pid):
        try:
            for k in os.listdir(f"/proc/{p}/task"):
                t += int(open(f"/proc/{p}/task/{k}/schedstat").read().split()[0])
            s = open(f"/proc/{p}/stat").read(); f = s[s.rindex(")") + 2:].split()
            t += (int(f[13]) + int(f[14])) * 1000000000 // TICK
        except OSError: pass
    return t

def ticks(pid):
    """(user, system) clock ticks of the process tree, children included"""
    u = k = 0
    for p in tree(pid):
        try:
            s = open(f"/proc/{p}/stat").read(); f = s[s.rindex(")") + 2:].split()
            u += int(f[11]) + int(f[13]); k += int(f[12]) + int(f[14])
        except OSError: pass
    return u, k

def mem_kb(pid, key="Pss:"):
    t = 0
    for p in tree(pid):
        try:
            for l in open(f"/proc/{p}/smaps_rollup"):
                if l.startswith(key): t += int(l.split()[1])
        except OSError: pass
    return t

def hwm_kb(pid):
    t = 0
    for p in tree(pid):
        try:
            for l in open(f"/proc/{p}/status"):
                if l.startswith("VmHWM"): t += int(l.split()[1])
        except OSError: pass
    return t

def sys_busy():
    f = [int(x) for x in open("/proc/stat").readline().split()[1:]]
    return (sum(f[:8]) - f[3] - f[4]) / TICK, f[7] / TICK

def stop(p):
    if p is None: return
    pids = tree(p.pid)
    try: p.terminate()
    except OSError: pass
    try: p.wait(5)
    except subprocess.TimeoutExpired:
        for q in pids:
            try: os.kill(q, signal.SIGKILL)
            except OSError: pass
        p.wait()
    for q in pids[1:]:
        for _ in range(100):
            if not os.path.exists(f"/proc/{q}"): break
            time.sleep(.01)
        else:
            try: os.kill(q, signal.SIGKILL)
            except OSError: pass

def qpacket(name, qid=1):
    return struct.pack(">6H", qid, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"

def ask(port, name, timeout=.02, tcp=False):
    """(rcode, answers, [ips]) or None"""
    try:
        q = qpacket(name)
        if tcp:
            s = socket.create_connection((ADDR, port), timeout)
            s.sendall(struct.pack(">H", len(q)) + q); r = s.recv(4096)[2:]
        else:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(timeout)
            s.connect((ADDR, port)); s.send(q); r = s.recv(4096)
        s.close()
        n = struct.unpack(">H", r[6:8])[0]
        return r[3] & 15, n, [socket.inet_ntoa(r[12 + m.end():16 + m.end()]) for m in re.finditer(rb"\x00\x01\x00\x01....\x00\x04", r[12:], re.S)]
    except (OSError, IndexError, struct.error):
        return None

def start(a, n, port, timeout=120, wrap=None, again=False):
    c = Ctx(a.NAME, n, port, again)
    if not again: a.config(c)
    c.caps = set(a.CAPS) | ({"cached", "missed"} if "forward" in a.CAPS else set())
    t0 = time.time()
    argv = (wrap or []) + list(a.argv(c))
    c.proc = spawn(argv, CPU_SRV, c.dir + "/log", cwd=c.dir, env=getattr(a, "ENV", None))
    probe = f"zz.{unique(n - 1)}.{SUFFIX}" if "attach" in c.caps else f"h0000.{HOTD}"
    while True:
        if "tcponly" in c.caps: r = ask(port, probe, .2, True)
        else: r = ask(port, probe, .02 if not wrap else .5)
        if r and r[0] == 0 and r[1] > 0: break
        if c.proc.poll() is not None or time.time() - t0 > timeout:
            stop(c.proc)
            raise RuntimeError(f"{a.NAME}: not answering: {r} " + open(c.dir + "/log", errors="replace").read()[-400:])
        time.sleep(.002)
    c.start_s = time.time() - t0
    return c

# ---------------------------------------------------------------- load
def build():
    os.makedirs(WORK + "/bin", exist_ok=True); os.makedirs(WORK + "/q", exist_ok=True)
    for prog, libs in (("dnsload", []), ("echo", ["-luring"]), ("tablelimit", [])):
        src, out = f"{HERE}/src/{prog}.c", f"{WORK}/bin/{prog}"
        if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(src):
            subprocess.check_call(["cc", "-O2", "-march=native", "-o", out, src] + libs)

def qfiles(n):
    q = WORK + "/q"
    for kind in "abc":                               # a: exact, b: any address (echo), c: one address per name
        f = f"{q}/att-{n}-{kind}"
        if not os.path.exists(f):
            with open(f, "w") as o:
                for i in range(n):
                    o.write(f"{unique(i)}.{SUFFIX} r {1 if kind == 'c' else 3} {'-' if kind == 'b' else '%08x' % ((10 << 24) + i * 4)}\n")
    if not os.path.exists(q + "/hot"):
        open(q + "/hot", "w").writelines(f"h{i:04d}.{HOTD} - 1 -\n" for i in range(NHOT))
        open(q + "/miss", "w").write(f"{MISSD} r 1 -\n")

def dnsload(tport, sets, cpu=None, **kw):
    argv = [WORK + "/bin/dnsload", "-s", ADDR, "-p", tport]
    for pct, f in sets: argv += ["-q", f"{pct}:{WORK}/q/{f}"]
    for k, v in kw.items():
        argv += ["-" + k] if v is True else ["-" + k, v]
    p = subprocess.Popen([str(x) for x in argv], preexec_fn=pin(CPU_LOAD if cpu is None else cpu), stdout=subprocess.PIPE)
    return p

_seed = int(time.time())
def measure(ctx, sets, up=None, **kw):
    global _seed
    _seed += 1
    pid = ctx.proc.pid
    b0, s0 = sys_busy(); u0 = cpu_ns(up.pid) if up else 0
    k0 = ticks(pid)
    t0, w0 = cpu_ns(pid), time.time()
    p = dnsload(ctx.port, sets, S=_seed, **kw)
    out = p.communicate()[0]
    t1, w1 = cpu_ns(pid), time.time()
    b1, s1 = sys_busy(); u1 = cpu_ns(up.pid) if up else 0
    k1 = ticks(pid)
    r = json.loads(out)
    r["ut"], r["st"] = k1[0] - k0[0], k1[1] - k0[1]
    r["srv_cpu"] = (t1 - t0) / 1e9
    r["up_cpu"] = (u1 - u0) / 1e9
    r["cpuq"] = (t1 - t0) / r["ok"] if r["ok"] else float("nan")
    r["share"] = r["srv_cpu"] / r["secs"] if r["secs"] else 0
    r["foreign"] = max(0, (b1 - b0) - r["srv_cpu"] - r["cpu"] - r["up_cpu"]) / (w1 - w0)
    r["steal"] = (s1 - s0) / (w1 - w0)
    r["lost"] = r["sent"] - r["ok"]
    return r

# workload: (key, title, needed cap, data-set size, function(ctx) -> (sets, dnsload options))
def att(c): return f"att-{c.n}-" + ("b" if "anyip" in c.caps else "c" if "oneip" in c.caps else "a")
WL = {
    "W1_1":    ("W1 attached, 1",        "attach",  1,      lambda c: ([(100, att(c))], dict(w=128, c=4))),
    "W1_1k":   ("W1 attached, 1,000",    "attach",  1000,   lambda c: ([(100, att(c))], dict(w=128, c=4))),
    "W1_100k": ("W1 attached, 100,000",  "attach",  100000, lambda c: ([(100, att(c))], dict(w=128, c=4))),
    "W1_1m":   ("W1 attached, 1,000,000", "attach", 1000000, lambda c: ([(100, att(c))], dict(w=128, c=4))),   # only when named
    "W2":      ("W2 forwarded, cached",  "cached", 1000,   lambda c: ([(100, "hot")], dict(w=128, c=4))),
    "W3":      ("W3 forwarded, missed",  "missed", 1000,   lambda c: ([(100, "miss")], dict(w=64, c=4, b=True))),
    "W4p":     ("W4 TCP, pipelined",     "tcp",     1000,   lambda c: ([(100, att(c))], dict(m="tcp", w=128, c=8, b=True))),
    "W4c":     ("W4 TCP, a connection each", "tcp", 1000,   lambda c: ([(100, att(c))], dict(m="tcp1", w=16, c=16, b=True))),
    "W5":      ("W5 mixed 70/20/10",     "mixed",   1000,   lambda c: ([(70, "hot"), (20, att(c)), (10, "miss")], dict(w=128, c=4, b=True))),
    "L1":      ("W1 (1,000) at 20k qps", "attach",  1000,   lambda c: ([(100, att(c))], dict(r=20000, c=4))),
    "L2":      ("W2 at 20k qps",         "cached", 1000,   lambda c: ([(100, "hot")], dict(r=20000, c=4))),
    "L3":      ("W3 at 5k qps",          "missed", 1000,   lambda c: ([(100, "miss")], dict(r=5000, c=4, b=True))),
}
NEEDUP = {"W2", "W3", "W5", "L2", "L3"}

def start_upstream():
    return spawn([WORK + "/bin/echo", "-l", ADDR, "-p", UP_PORT, "-m", "mm", "-b", 32, "-a", "-n", 1, "-t", 3600], CPU_LOAD, WORK + "/up.log")

def caps_ok(c, wl):
    cap = WL[wl][1]
    if cap == "mixed": return "mixed" in c.caps or {"attach", "forward"} <= c.caps
    return cap in c.caps

def cmd_table(args, adapters):
    secs, rounds = (args.secs or (.5 if args.quick else .7)), (args.rounds or (2 if args.quick else 5))
    wls = words("--workloads", args.workloads, WL) or \
        (["W1_1k", "W2", "W3", "W4p", "L1"] if args.quick else [w for w in WL if w != "W1_1m"])
    sizes = sorted({WL[w][2] for w in wls})
    res, info = {}, {}
    t_all = time.time()
    for n in sizes:
        qfiles(n)
        up, live = start_upstream(), []
        time.sleep(.1)
        for k, a in enumerate(adapters):
            try:
                c = start(a, n, 5500 + k * 2, timeout=60)
                live.append(c)
                info[c.name, n] = dict(start=c.start_s, rss=mem_kb(c.proc.pid))
            except Exception as e:
                print(f"# {a.NAME} n={n}: {e}", file=sys.stderr)
        for c in live:                              # warm: caches, pages, branch predictors
            if "forward" in c.caps:
                for _ in range(2): dnsload(c.port, [(100, "hot")], N=NHOT * 2, w=32, c=2, d=3, **{"1": True}).communicate()
        for rnd in range(rounds):
            for w in wls:
                if WL[w][2] != n: continue
                for c in live:
                    if not caps_ok(c, w): continue
                    if c.proc.poll() is not None:
                        print(f"# {c.name} died in n={n}", file=sys.stderr); live.remove(c); continue
                    sets, kw = WL[w][3](c)
                    d = secs * (2 if w[0] == "L" and not args.quick else 1)
                    measure(c, sets, d=.05, **{k: v for k, v in kw.items()}) if rnd == 0 else None
                    r = measure(c, sets, up=up, d=d, **kw)
                    res.setdefault((c.name, w), []).append(r)
        for c in live:
            info[c.name, n]["rss_after"] = mem_kb(c.proc.pid)
            stop(c.proc)
        stop(up)
    names = [a.NAME for a in adapters]
    doc = dict(date=time.strftime("%F %T"), kernel=os.uname().release, secs=secs, rounds=rounds,
               results=[dict(server=s, workload=w, runs=v) for (s, w), v in res.items()],
               info=[dict(server=s, n=n, **v) for (s, n), v in info.items()])
    save("table", doc)
    print(render_table(doc, names, wls))
    print(f"\n{time.time() - t_all:.0f} s in all")

def med(v): return statistics.median(v) if v else float("nan")

# limit of each workload: the share-weighted CPU/query of the bare responders
LIMIT = {"W1_1": [(1, "echo-mm32", "W1_1")], "W1_1k": [(1, "echo-mm32", "W1_1k")], "W1_100k": [(1, "echo-mm32", "W1_100k")], "W1_1m": [(1, "echo-mm32", "W1_1m")],
         "W2": [(1, "echo-1rr", "W2")], "W3": [(1, "echo-relay", "W3")], "W4p": [(1, "echo-tcp", "W4p")], "W4c": [(1, "echo-tcp", "W4c")],
         "W5": [(.7, "echo-1rr", "W2"), (.2, "echo-mm32", "W1_1k"), (.1, "echo-relay", "W3")],
         "L1": [(1, "echo-mm32", "L1")], "L2": [(1, "echo-1rr", "L2")], "L3": [(1, "echo-relay", "L3")]}

def render_table(doc, names=None, wls=None):
    R = {(r["server"], r["workload"]): r["runs"] for r in doc["results"]}
    names = names or list(dict.fromkeys(s for s, _ in R)); wls = wls or [w for w in WL if any(k[1] == w for k in R)]
    out = [f"Measured {doc['date']}, kernel {doc['kernel']}, {doc['rounds']} rounds of {doc['secs']} s; medians."]
    for w in wls:
        lim = sum(f * med([x["cpuq"] for x in R.get((s, k), [])]) for f, s, k in LIMIT[w])
        rows = []
        for s in names:
            v = R.get((s, w))
            if not v: continue
            g = lambda k: med([x[k] for x in v])
            ut, st = sum(x.get("ut", 0) for x in v), sum(x.get("st", 0) for x in v)
            user = f"{g('cpuq') * ut / (ut + st):,.0f}" if ut + st else "–"
            lost = sum(x["lost"] for x in v); sent = sum(x["sent"] for x in v)
            rows.append((g("cpuq"), f"| {s} | {g('cpuq'):,.0f} | {min(x['cpuq'] for x in v):,.0f}–{max(x['cpuq'] for x in v):,.0f} | {g('cpuq')/lim:.2f} | {user} | {g('qps'):,.0f} | {max(x['qps'] for x in v):,.0f} | "
                         f"{g('share')*100:.0f}% | {g('p50'):,.0f} | {g('p99'):,.0f} | {g('p999'):,.0f} | {100*lost/max(sent,1):.3f} |"))
        out += ["", f"### {WL[w][0]}  (limit: {' + '.join(f'{f:g} {s}' for f, s, _ in LIMIT[w])} = {lim:,.0f} ns)", "",
                "| server | CPU ns/query | min–max | × limit | of it user | qps median | qps best | server CPU | p50 µs | p99 µs | p99.9 µs | lost % |",
                "|---|---|---|---|---|---|---|---|---|---|---|---|"]
        out += [r for _, r in sorted(rows)]
    I = {(i["server"], i["n"]): i for i in doc["info"]}
    ns = sorted({n for _, n in I})
    out += ["", "### Start and memory (PSS of the process tree, MiB; all servers up side by side)", "",
            "| server | " + " | ".join(f"start s, {n:,} | MiB, {n:,}" for n in ns) + " |", "|---|" + "---|---|" * len(ns)]
    for s in names:
        if any((s, n) in I for n in ns):
            out.append(f"| {s} | " + " | ".join(f"{I[s,n]['start']:.2f} | {I[s,n]['rss']/1024:.1f}" if (s, n) in I else "– | –" for n in ns) + " |")
    allr = [x for v in R.values() for x in v]
    out += ["", f"Noise: CPU used by others while measuring: median {med([x['foreign'] for x in allr])*100:.0f}% of a core, worst run {max(x['foreign'] for x in allr)*100:.0f}%; steal worst {max(x['steal'] for x in allr)*100:.0f}%."]
    return "\n".join(out)

def cmd_start(args, adapters):
    sizes = [int(x) for x in (args.sizes or "1000,100000,1000000").split(",")]
    doc, t_all = [], time.time()
    up = start_upstream()
    for n in sizes:
        for k, a in enumerate(adapters):
            if not {"attach"} & set(a.CAPS) or "anyip" in a.CAPS or n > getattr(a, "MAXN", 1 << 30): continue
            reps = args.rounds or (3 if n < 1000000 else 1)
            for again in [False] * reps + [True] * reps * ("image" in a.CAPS):
                try:
                    c = start(a, n, 6500 + k * 2, timeout=args.limit, again=again)
                except Exception as e:
                    doc.append(dict(server=a.NAME, n=n, error=str(e)[:200])); print(f"# {a.NAME} {n}: {e}", file=sys.stderr); break
                cpu = sum(ticks(c.proc.pid)) / TICK
                doc.append(dict(server=a.NAME, n=n, cpu=cpu, **({"again": c.start_s} if again else {"start": c.start_s, "pss": mem_kb(c.proc.pid)}), rss=mem_kb(c.proc.pid, "Rss:"), hwm=hwm_kb(c.proc.pid)))
                stop(c.proc)
            shutil.rmtree(c.dir, ignore_errors=True)
    stop(up)
    save("start", doc)
    print(render_start(doc, sizes)); print("\nOne flat table, the limit of all this (src/tablelimit.c):\n")
    for n in sizes:
        f = f"{WORK}/q/plain-{n}"
        unique(n - 1)
        with open(f, "w") as o: o.writelines(f"{unique(i)} {' '.join(ips(i))}\n" for i in range(n))
        print("-", subprocess.run([WORK + "/bin/tablelimit", f], stdout=subprocess.PIPE, text=True, preexec_fn=pin(CPU_SRV)).stdout.strip())
    print(f"\n{time.time() - t_all:.0f} s in all")

def render_start(doc, sizes=None):
    sizes = sizes or sorted({d["n"] for d in doc})
    out = ["| server | " + " | ".join(f"start s, {n:,} | again s | PSS MiB, {n:,} | peak RSS MiB" for n in sizes) + " | bytes per attachment |", "|---|" + "---|---|---|---|" * len(sizes) + "---|"]
    for s in dict.fromkeys(d["server"] for d in doc):
        g = lambda n, k: med([d[k] for d in doc if d["server"] == s and d["n"] == n and k in d])
        cells = [f"{g(n,'start'):.3f} | {g(n,'again'):.3f} | {g(n,'pss')/1024:.1f} | {g(n,'hwm')/1024:.0f}" for n in sizes]
        ok = [n for n in sizes if g(n, "pss") == g(n, "pss")]
        per = f"{(g(ok[-1],'pss') - g(ok[0],'pss')) * 1024 / (ok[-1] - ok[0]):,.0f}" if len(ok) > 1 else "–"
        out.append(f"| {s} | " + " | ".join(cells).replace("nan", "–") + f" | {per} |")
    return "\n".join(out)

def cmd_reload(args, adapters):
    n = args.n
    doc, t_all = [], time.time()
    for kind in "ac":
        with open(f"{WORK}/q/reload-{n}-{kind}", "w") as o:
            for i in range(0, n, 10):
                o.write(f"{unique(i)}.{SUFFIX} {'rg' if i % 100 == 0 else 'r'} {1 if kind == 'c' else 3} {(10 << 24) + i * 4:08x}\n")
    up = start_upstream()
    for k, a in enumerate(adapters):
        if "anyip" in a.CAPS or "attach" not in a.CAPS: continue
        for rep in range(args.rounds or 3):
            try: c = start(a, n, 7500 + k * 2)
            except Exception as e:
                print(f"# {a.NAME}: {e}", file=sys.stderr); break
            secs = getattr(a, "RELOAD_SECS", 5)
            probe = [(100, f"reload-{n}-" + ("c" if "oneip" in a.CAPS else "a"))]
            rss0 = mem_kb(c.proc.pid)
            start_cpu = sum(ticks(c.proc.pid)) / TICK
            measure(c, probe, d=.3, r=5000, c=4)
            base = measure(c, probe, d=secs, r=5000, c=4)    # as long as the run with the reload: the longer, the worse the worst
            p = dnsload(c.port, probe, d=secs, r=5000, c=4, t=3000)
            old = c.proc
            c.prepare_only = True                   # adapters may look at this in config()
            new, live = prepare(a, c, 1), c.dir
            time.sleep(.5)
            for q in tree(old.pid):
                try: open(f"/proc/{q}/clear_refs", "w").write("5")
                except OSError: pass
            place(new, live)                        # the timed change: rename into place
            t_change = time.time()
            how = "reload"
            if "reload" in a.CAPS:
                try: a.reload(c)
                except Exception as e: print(f"# {a.NAME}: reload command: {e}", file=sys.stderr)
            else:
                how = "restart"
                stop(old)
                c.proc = spawn(list(a.argv(c)), CPU_SRV, c.dir + "/log", cwd=c.dir, env=getattr(a, "ENV", None))
            t_cmd = time.time() - t_change
            r = json.loads(p.communicate()[0])
            rss1, hwm = mem_kb(c.proc.pid), hwm_kb(c.proc.pid)
            cpu1 = start_cpu                        # restart: the start is its cost
            if how == "reload":                     # the reload's own CPU, with no load beside it
                place(prepare(a, c, 0), live)
                cpu0 = sum(ticks(c.proc.pid)) / TICK   # ticks: threads that have ended count too
                a.reload(c)
                for _ in range(400):
                    time.sleep(.05)
                    x = ask(c.port, f"yy.{unique(0)}.{SUFFIX}", .05)
                    if x and x[2] and x[2][0].startswith("10."): break
                time.sleep(.5)
                cpu1 = sum(ticks(c.proc.pid)) / TICK - cpu0
            doc.append(dict(server=a.NAME, n=n, how=how, cmd_s=t_cmd, first_new=(r["first_new"] / 1e9 - t_change) if r["first_new"] else None,
                            last_old=r["last_old"] / 1e9 - t_change, max_ms=r["max"] / 1e3, base_max_ms=base["max"] / 1e3, base_p999=base["p999"], p999=r["p999"], p99=r["p99"],
                            gap_ms=r["max_gap_us"] / 1e3, lost=r["sent"] - r["ok"], sent=r["sent"], bad=r["bad_answer"] + r["bad_rcode"],
                            cpu=cpu1, rss0=rss0, rss1=rss1, hwm=hwm, gen1=r["gen1"]))
            stop(c.proc)
            print("#", json.dumps(doc[-1]), file=sys.stderr)
        shutil.rmtree(f"{WORK}/run/{a.NAME}-{n}", ignore_errors=True)
    stop(up)
    save("reload", doc)
    print(render_reload(doc)); print(f"\n{time.time() - t_all:.0f} s in all")

def prepare(a, c, gen):
    """the files of generation gen, beside the live ones"""
    c.gen, live = gen, c.dir
    c.dir = live + "/next"
    os.makedirs(c.dir, exist_ok=True)
    a.config(c)
    new, c.dir = c.dir, live
    return new

def place(new, live):
    for f in os.listdir(new):
        p = os.path.join(new, f)
        if os.path.isfile(p): fix_paths(p, new, live); os.rename(p, os.path.join(live, f))

def fix_paths(p, a, b):
    if os.path.getsize(p) > 200000: return          # big files hold no paths
    s = open(p, errors="replace").read()
    if a in s: open(p, "w").write(s.replace(a, b))

def render_reload(doc):
    out = ["| server | how | first new answer s | last old answer s | its CPU s | worst latency ms | steady worst ms | longest gap ms | lost of 5k qps | PSS before → after MiB | peak RSS MiB |", "|---|" * 1 + "---|" * 10]
    for s in dict.fromkeys(d["server"] for d in doc):
        v = [d for d in doc if d["server"] == s]
        g = lambda k: med([d[k] for d in v if d[k] is not None])
        out.append(f"| {s} | {v[0]['how']} | {g('first_new'):.3f} | {g('last_old'):.3f} | {g('cpu'):.2f} | {g('max_ms'):.1f} | {g('base_max_ms'):.1f} | {g('gap_ms'):.1f} | {g('lost'):.0f} | {g('rss0')/1024:.0f} → {g('rss1')/1024:.0f} | {g('hwm')/1024:.0f} |")
    return "\n".join(out)

def cmd_instr(args, adapters):
    """user-space instructions per query, by callgrind, difference of two runs"""
    n = 1000
    qfiles(n)
    up = start_upstream(); rows = []
    for k, a in enumerate(adapters):
        if getattr(a, "NOVALGRIND", False): continue
        tot = {}
        wl = {"W1": ("attach", lambda c: [(100, att(c))]), "W2": ("cached", lambda c: [(100, "hot")]), "W3": ("missed", lambda c: [(100, "miss")])}
        row = dict(server=a.NAME)
        try:
            of = f"{WORK}/run/cg.{a.NAME}"
            for f in glob.glob(of + "*"): os.unlink(f)
            c = start(a, n, 8500 + k * 2, timeout=150, wrap=["valgrind", "--tool=callgrind", "--trace-children=no", "-q", f"--callgrind-out-file={of}.%p", "--combine-dumps=no"] + (["--trace-children=yes"] if getattr(a, "FORKS", False) else []))
            pids = tree(c.proc.pid)
            time.sleep(2)                          # what a start still does beside is no query's
            for w, (cap, fn) in wl.items():
                if cap not in c.caps: continue
                dnsload(c.port, fn(c), N=2000, w=8, c=2, d=60, b=True, t=5000, **({"1": True} if w == "W2" else {})).communicate()
                subprocess.run(["callgrind_control", "-z"] + [str(p) for p in pids], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
                before = set(glob.glob(of + "*"))
                r = json.loads(dnsload(c.port, fn(c), N=5000, w=8, c=2, d=60, b=True, t=5000, S=4711).communicate()[0])
                subprocess.run(["callgrind_control", "-d"] + [str(p) for p in pids], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
                time.sleep(.5)
                ins = 0
                for f in set(glob.glob(of + "*")) - before:
                    for l in open(f, errors="replace"):
                        if l.startswith(("totals:", "summary:")): ins += int(l.split()[1]); break
                row[w] = ins / max(r["ok"], 1); row[w + "_ok"] = r["ok"]
            stop(c.proc)
        except Exception as e:
            row["error"] = str(e)[:100]
            for p in _started:
                if p.poll() is None and p is not up: stop(p)
        rows.append(row); print("#", row, file=sys.stderr)
    stop(up)
    save("instr", rows)
    print("| server | W1 (1,000) | W2 cached | W3 missed |\n|---|---|---|---|")
    for r in rows: print(f"| {r['server']} | " + " | ".join(f"{r[w]:,.0f}" if r.get(w) else "–" for w in ("W1", "W2", "W3")) + " |")

def cmd_check(args, adapters):
    qfiles(1000); up = start_upstream(); bad = 0
    for k, a in enumerate(adapters):
        try: c = start(a, 1000, 6300 + k * 2, timeout=30)
        except Exception as e:
            print(f"{a.NAME}: FAILED {e}"); bad += 1; continue
        line = [f"{a.NAME:12} start {c.start_s:.2f}s pss {mem_kb(c.proc.pid)/1024:.1f}M"]
        for w in WL:
            if WL[w][2] != 1000 or not caps_ok(c, w): continue
            sets, kw = WL[w][3](c)
            if w == "W2": dnsload(c.port, sets, N=NHOT * 2, w=32, c=2, d=3, **{"1": True}).communicate()
            r = measure(c, sets, up=up, d=.3, **kw)
            line.append(f"{w}:{r['qps']/1000:.0f}k/{r['cpuq']:.0f}ns" + (f"(lost {r['lost']} badrc {r['bad_rcode']} bada {r['bad_answer']} to {r['timeout']} rst {r['reset']})" if r["lost"] else ""))
        print("  ".join(line), flush=True)
        stop(c.proc)
    stop(up)
    return bad

def save(kind, doc):
    os.makedirs(WORK + "/results", exist_ok=True)
    f = f"{WORK}/results/{kind}-{time.strftime('%m%d-%H%M%S')}.json"
    json.dump(doc, open(f, "w"), indent=0)
    print(f"# {f}", file=sys.stderr)

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("cmd", choices=["table", "start", "reload", "instr", "check"])
    ap.add_argument("--quick", action="store_true"); ap.add_argument("--full", action="store_true")
    ap.add_argument("--servers"); ap.add_argument("--workloads"); ap.add_argument("--sizes")
    ap.add_argument("--rounds", type=int); ap.add_argument("--secs", type=float); ap.add_argument("--n", type=int, default=100000)
    ap.add_argument("--limit", type=int, default=90, help="start: seconds before a server is given up")
    args = ap.parse_args()
    ad = load_adapters(args.servers)
    build(); os.makedirs(WORK + "/run", exist_ok=True)
    unique(1000)
    try:
        return globals()["cmd_" + args.cmd](args, ad) or 0
    finally:
        for p in _started:
            if p.poll() is None: stop(p)

if __name__ == "__main__":
    sys.exit(main())
