#!/usr/bin/env bash
# Make the documents follow the neutral table: each written beside and renamed into place, those
# whose row is gone removed.  Without "write", also signal pldnsd.
set -euo pipefail
folder=$PLC_RUN/pldns/attachments.d
mkdir -p "$folder"
declare -A wanted=()
while IFS=$'\t' read -r kind name addrs port; do
    id=plc-${name%%.*}
    [ "$kind" = exact ] || name="*.$name"
    wanted[$id.yaml]=1
    # The directory is watched: a name that does not end in .yaml is not a document yet.
    cat >"$folder/$id.yaml.new" <<DOCUMENT
privateLinkConnectionId: $id
clusterId: "1"
type: AWS_ENDPOINT_SERVICE
state: ACTIVE
ttl: 5
endpoints:
  - addresses: [${addrs//,/, }]
attachedDomains:
  - attachDomainId: ad-$id
    type: CUSTOM
    domains: [{name: "$name"}]
DOCUMENT
    if [ -n "$port" ]; then
        printf 'healthCheck: {port: %s, interval: 1s, timeout: 500ms, rise: 2, fall: 2, minHealthy: 50%%}\n' "$port"
    fi >>"$folder/$id.yaml.new"
    if ! cmp -s "$folder/$id.yaml.new" "$folder/$id.yaml"; then mv -f "$folder/$id.yaml.new" "$folder/$id.yaml"; fi
    rm -f "$folder/$id.yaml.new"
done <"$PLC_ATTACHMENTS"
for file in "$folder"/*.yaml; do
    if [ -e "$file" ] && [ -z "${wanted[${file##*/}]:-}" ]; then rm -f "$file"; fi
done
if [ "${1:-}" != write ]; then kill -HUP "$RESOLVER_PID"; fi
