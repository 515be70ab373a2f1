#!/bin/sh
# What an XDP fast path could reach: load generator and answering both on core 1, in a
# fresh network namespace (its own lo; nothing of the machine's is touched).
# Needs root, clang, iproute2; run ./measure.py check once before (it builds dnsload).
set -e
here=$(cd "$(dirname "$0")" && pwd); w=${PLDNS_COMPARE_DIR:-${TMPDIR:-/tmp}/pldns-compare}
clang -O2 -target bpf -c "$here/src/xdp_echo.c" -o "$w/bin/xdp_echo.o"
unshare -n sh -c "ip link set lo up && ip link set dev lo xdpgeneric obj $w/bin/xdp_echo.o sec xdp && \
  for i in 1 2 3; do taskset -c 1 $w/bin/dnsload -p 5333 -q 100:$w/q/att-1000-b -d 1 -w 128 -c 4; done"
