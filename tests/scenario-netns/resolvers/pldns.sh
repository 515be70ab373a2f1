#!/usr/bin/env bash
# pldnsd in the resolver's place: one attachment document for each row of the neutral table.
# pldns-reload.sh writes them again when the table has changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${PLDNSD:=$here/../../../build/run/resolver/pldnsd}"
if [ ! -x "$PLDNSD" ]; then
    echo "there is no $PLDNSD; './dev build' makes it" >&2
    exit 1
fi
mkdir -p "$PLC_RUN/pldns/state"
"$here/pldns-reload.sh" write
cat >"$PLC_RUN/pldns/pldns.yaml" <<CONF
listen: ["$PLC_LISTEN:$PLC_PORT"]
attachments: {directory: "$PLC_RUN/pldns/attachments.d", state: "$PLC_RUN/pldns/state"}
forward: {upstreams: ["$PLC_UPSTREAM:$PLC_UPSTREAM_PORT"]}
admin: {listen: ["unix:$PLC_RUN/pldns/admin.sock"]}
CONF
exec "$PLDNSD" -c "$PLC_RUN/pldns/pldns.yaml"
