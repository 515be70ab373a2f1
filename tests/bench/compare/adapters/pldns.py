# pldns: documents in 100 files, so that a change of 1 % of the connections touches one document, as a control plane would.
# PLDNSD_BIN names the binary (a release build); without it this server is left out.
import os, signal
NAME = "pldns"
BIN = os.environ.get("PLDNSD_BIN", "/nonexistent/pldnsd")
CAPS = {"attach", "forward", "tcp", "reload", "image"}
DOCS = 100

def _documents(c):
    per = [[] for _ in range(min(DOCS, c.n))]
    for i, (u, a) in enumerate(c.attachments()):
        per[i % len(per)].append(
            f"- {{privateLinkConnectionId: plc-{i:07d}, displayName: c{i}, type: AWS_ENDPOINT_SERVICE, ttl: 60, "
            f"endpoints: [{{addresses: [{', '.join(a)}]}}], attachedDomains: [{{type: TIDBCLOUD_MANAGED, uniqueName: {u}}}]}}\n")
    return per

def config(c):
    os.makedirs(c.dir + "/attachments.d", exist_ok=True)
    for k, lines in enumerate(_documents(c)):
        with open(f"{c.dir}/attachments.d/.{k:03d}.new", "w") as f:
            f.write("privateLinkConnections:\n"); f.writelines(lines)
        os.rename(f"{c.dir}/attachments.d/.{k:03d}.new", f"{c.dir}/attachments.d/{k:03d}.yaml")
    if not hasattr(c, "prepare_only"):
        c.write("pldns.yaml", f"""listen: ["{c.addr}:{c.port}"]
workers: 1
attachments:
  directory: {c.dir}/attachments.d
  state: {c.dir}/state
forward:
  upstreams: ["127.0.0.1:{c.up_port}"]
cache:
  size: 64MiB
admin: {{listen: ["unix:{c.dir}/admin.sock"]}}
log:
  queries: off
""")

def argv(c): return [BIN, "-c", c.dir + "/pldns.yaml"]

def reload(c):                       # the directory itself is watched; the signal makes it immediate
    nxt = c.dir + "/next/attachments.d"
    if os.path.isdir(nxt):
        for f in sorted(os.listdir(nxt)): os.rename(f"{nxt}/{f}", f"{c.dir}/attachments.d/{f}")
    c.signal(signal.SIGHUP)
