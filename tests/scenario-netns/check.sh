#!/usr/bin/env bash
# Check a scenario that up.sh brought up.  Prints one line a check and a closing
# "N passed, N failed, N skipped"; exits 1 when any failed.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
pass=0 fail=0 skip=0
export KAFKAJS_NO_PARTITIONER_WARNING=1
ok()   { pass=$((pass + 1)); printf 'ok    %s\n' "$1"; }
bad()  { fail=$((fail + 1)); printf 'FAIL  %s\n' "$1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | tail -n 8 | sed 's/^/      | /'; }
skp()  { skip=$((skip + 1)); printf 'skip  %s\n' "$1"; }
worker() { timeout --foreground "${T:-30}" ip netns exec "$NS_WORKER" "$@"; }
check() {   # check LABEL COMMAND...: passes when the command exits 0
    local label=$1 out
    shift
    if out=$("$@" 2>&1); then ok "$label"; else bad "$label" "$out"; fi
}
same() {    # same LABEL EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "expected: $2 / got: $3"; fi
}
addrs() { worker getent ahostsv4 "$1" | awk '{print $1}' | sort -u | paste -sd, -; }
digged() { worker dig +time=2 +tries=2 +short "$1" "${2:-A}" | sort | paste -sd, -; }
status() { worker dig +time=2 +tries=2 "$1" "${2:-A}" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
counts() {  # counts REQUEST: how many such requests each broker has logged, as "b1,b2,b3"
    cat "$SCEN_RUN"/broker?.jsonl | "$SCEN_PY" -c '
import sys, json
c = {1: 0, 2: 0, 3: 0}
for line in sys.stdin:
    d = json.loads(line)
    c[d["broker"]] += d.get("requests", {}).get(sys.argv[1], 0)
print(",".join(str(c[b]) for b in (1, 2, 3)))' "$1"
}

# -- names, as the worker's own libc and dig see them ---------------------------------------
both=$(printf '%s\n' "$IP_EP_A" "$IP_EP_B" | sort | paste -sd, -)
for b in b1 b2 b3 never-heard-of; do same "getent: $b.<unique> is the endpoint" "$both" "$(addrs "$b.$KAFKA_ZONE")"; done
same "dig: two labels below the attached zone" "$both" "$(digged "x.y.$KAFKA_ZONE")"
same "dig: upper and lower case are one name" "$both" "$(digged "B1.$(printf %s "$KAFKA_ZONE" | tr '[:lower:]' '[:upper:]')")"
same "dig +tcp" "$both" "$(worker dig +tcp +short "b1.$KAFKA_ZONE" | sort | paste -sd, -)"
same "AAAA of an IPv4-only attachment is NOERROR, not NXDOMAIN" NOERROR "$(status "b1.$KAFKA_ZONE" AAAA)"
same "the exact RDS name is the endpoint, not the public answer" "$IP_EP_MYSQL" "$(addrs "$MYSQL_HOST")"
same "a sibling of the RDS name still gets the public answer" "$UNREACHABLE" "$(digged "other.${MYSQL_HOST#*.}")"
same "an unattached name is forwarded" "$PUBLIC_ADDR" "$(digged "$PUBLIC_HOST")"
same "an unknown name is NXDOMAIN, from upstream" NXDOMAIN "$(status nothing.example.net)"

totals() {
    if [ "$skip" = 0 ]; then printf '%d passed, %d failed\n' "$pass" "$fail"; else printf '%d passed, %d failed, %d skipped\n' "$pass" "$fail" "$skip"; fi
}
# with wrong names every client would only run into its own timeouts
if [ "$fail" != 0 ] && [ "${SCEN_KEEP_GOING:-0}" != 1 ]; then totals; exit 1; fi

# -- Kafka: real clients through advertised listeners ----------------------------------------
if has kafka; then
    boot="bootstrap.$KAFKA_ZONE:9092"
    if command -v kcat >/dev/null; then
        topic="kcat$$"
        check "kcat: metadata names three advertised listeners" bash -c \
            "timeout --foreground 20 ip netns exec $NS_WORKER kcat -b $boot -L -t $topic -m 10 | grep -cE 'broker [123] at b[123]\\.$KAFKA_ZONE:909[345]' | grep -qx 3"
        kcat_round() {
            local p
            for p in 0 1 2; do
                seq $((p * 10)) $((p * 10 + 3)) | worker kcat -b "$boot" -P -t "$1" -p "$p" -q || return 1
            done
            [ "$(worker kcat -b "$boot" -C -t "$1" -e -q -X fetch.wait.max.ms=200 | sort -n | paste -sd' ' -)" = "0 1 2 3 10 11 12 13 20 21 22 23" ]
        }
        check "kcat: 12 messages over three brokers come back" kcat_round "$topic"
    else skp "kcat is not installed"; fi
    if "$SCEN_PY" -c 'import confluent_kafka' 2>/dev/null; then
        check "confluent-kafka: 10 messages" worker "$SCEN_PY" -B "$SCEN_HERE/clients/confluent.py" "$boot" "cf$$" 10
    else skp "python3-confluent-kafka is not installed"; fi
    if "$SCEN_PY" -c 'import kafka' 2>/dev/null; then
        check "kafka-python: 10 messages" worker "$SCEN_PY" -B "$SCEN_HERE/clients/kafkapy.py" "$boot" "kp$$" 10
    else skp "python3-kafka is not installed"; fi
    if command -v npm >/dev/null && { [ -d "$SCEN_NODE/node_modules/kafkajs" ] ||
        timeout --foreground 90 npm install --prefix "$SCEN_NODE" --no-save --no-audit --no-fund kafkajs@2.2.4 >"$SCEN_RUN/npm.log" 2>&1; }; then
        check "kafkajs: 10 messages" worker node "$SCEN_HERE/clients/kafkajs.mjs" "$boot" "js$$" 10
    else skp "kafkajs is not installed"; fi
    sleep 0.3       # the brokers log a connection when it closes
    c=$(counts Produce)
    case ",$c," in *,0,*) bad "every broker got its own Produce requests" "b1,b2,b3 = $c" ;; *) ok "every broker got its own Produce requests ($c)" ;; esac
fi

# -- databases by exact name, certificate checked against that name -------------------------
mysql_query() {
    worker mariadb --no-defaults -h "$MYSQL_HOST" -P 3306 -u dm -pscenario --ssl-ca="$SCEN_RUN/tls/ca.pem" \
        --ssl-verify-server-cert --connect-timeout=10 -Nse 'SELECT what FROM orders.line' 2>&1
}
pg_query() {
    worker psql "host=$PG_HOST port=5432 user=dm dbname=postgres sslmode=verify-full sslrootcert=$SCEN_RUN/tls/ca.pem connect_timeout=10" \
        -Atc "SELECT 'through the private endpoint'" 2>&1
}
if has mariadb; then same "mariadb client by the attached RDS name, TLS name verified" "through the private endpoint" "$(mysql_query)"; fi
if has postgres; then same "psql by the attached RDS name, sslmode=verify-full" "through the private endpoint" "$(pg_query)"; fi

# -- hot reload: detach, then attach again ---------------------------------------------------
settle() {  # settle NAME EXPECTED: wait up to 5 s for the answer, print milliseconds
    local i t0
    t0=$(date +%s%N)
    for ((i = 0; i < 50; i++)); do
        [ "$(digged "$1")" = "$2" ] && { echo $((($(date +%s%N) - t0) / 1000000)); return 0; }
        sleep 0.1
    done
    return 1
}
before=$(pid_of resolver)
full_table | grep -v "$KAFKA_ZONE" | write_table
reload_resolver
if ms=$(settle "b1.$KAFKA_ZONE" ""); then ok "detach: the wildcard is gone ($ms ms)"; else bad "detach: the wildcard is gone" "$(digged "b1.$KAFKA_ZONE")"; fi
same "detach: and its status is NXDOMAIN" NXDOMAIN "$(status "b1.$KAFKA_ZONE")"
same "detach: the other attachments stay" "$IP_EP_MYSQL" "$(digged "$MYSQL_HOST")"
full_table | write_table
reload_resolver
if ms=$(settle "b1.$KAFKA_ZONE" "$both"); then ok "attach: the wildcard is back ($ms ms)"; else bad "attach: the wildcard is back" "$(digged "b1.$KAFKA_ZONE")"; fi
if alive resolver && [ "$before" = "$(pid_of resolver)" ]; then ok "the resolver process lived through both reloads"; else bad "the resolver process lived through both reloads"; fi

# -- the procedure of the manual, with pldnsctl: create, dry run, attach, clients, detach, delete ----
ctl() { "$PLDNSCTL" --server "unix:$SCEN_RUN/pldns/admin.sock" "$@" --attachments "$SCEN_RUN/pldns/attachments.d"; }
kafka_clients() {   # kafka_clients LABEL: those that are installed send and receive
    local boot="bootstrap.$KAFKA_ZONE:9092"
    if "$SCEN_PY" -c 'import confluent_kafka' 2>/dev/null; then
        check "$1: confluent-kafka" worker "$SCEN_PY" -B "$SCEN_HERE/clients/confluent.py" "$boot" "pcf$$" 5
    fi
    if "$SCEN_PY" -c 'import kafka' 2>/dev/null; then
        check "$1: kafka-python" worker "$SCEN_PY" -B "$SCEN_HERE/clients/kafkapy.py" "$boot" "pkp$$" 5
    fi
    if [ -d "$SCEN_NODE/node_modules/kafkajs" ]; then
        check "$1: kafkajs" worker node "$SCEN_HERE/clients/kafkajs.mjs" "$boot" "pjs$$" 5
    fi
}
procedure() {
    local plc=plc-procedure dry made id
    full_table | grep -v "$KAFKA_ZONE" | write_table
    reload_resolver
    settle "b1.$KAFKA_ZONE" "" >/dev/null
    check "procedure: create" ctl create "$plc" --display-name kafka-prod --type AWS_ENDPOINT_SERVICE -c 108 \
        --aws.endpoint-service-name com.amazonaws.vpce.us-east-1.vpce-svc-0123 \
        --endpoint "use1-az1=$IP_EP_A" --endpoint "use1-az2=$IP_EP_B"
    dry=$(ctl attach-domains "$plc" -c 108 --type TIDBCLOUD_MANAGED --dry-run 2>&1)
    made=$(sed -n 's/^unique name \([a-z2-7]\{26\}\):$/\1/p' <<<"$dry")
    if [ -n "$made" ] && grep -qxF "*.use1-az2.$made.aws.plc.tidbcloud.com" <<<"$dry"; then
        ok "procedure: the dry run makes a unique name and shows the domains"
    else bad "procedure: the dry run makes a unique name and shows the domains" "$dry"; fi
    same "procedure: and attaches nothing" "" "$(digged "b1.$made.aws.plc.tidbcloud.com")"
    check "procedure: attach" ctl attach-domains "$plc" -c 108 --type TIDBCLOUD_MANAGED --unique-name "$UNIQUE"
    same "procedure: served when attach returns" "$both" "$(digged "b1.$KAFKA_ZONE")"
    same "procedure: by zone, too" "$IP_EP_B" "$(digged "b1.use1-az2.$KAFKA_ZONE")"
    kafka_clients "procedure, attached"
    id=$("$PLDNSCTL" get "$plc" -o json --attachments "$SCEN_RUN/pldns/attachments.d" | "$SCEN_PY" -c 'import json, sys; print(json.load(sys.stdin)["attachedDomains"][0]["attachDomainId"])')
    check "procedure: detach" ctl detach-domains "$plc" -c 108 --attach-domain-id "$id"
    same "procedure: gone when detach returns" NXDOMAIN "$(status "b1.$KAFKA_ZONE")"
    check "procedure: delete" ctl delete "$plc" -c 108 --force
    full_table | write_table
    reload_resolver
    settle "b1.$KAFKA_ZONE" "$both" >/dev/null
}
if ! has kafka || [ ! -S "$SCEN_RUN/pldns/admin.sock" ]; then skp "procedure: needs kafka and pldnsd"
elif [ ! -x "$PLDNSCTL" ]; then skp "procedure: there is no $PLDNSCTL"
else procedure; fi

# -- one zone's endpoint address is lost -----------------------------------------------------
if has kafka && command -v kcat >/dev/null; then
    in_ns "$NS_EP" ip addr del "$IP_EP_A/24" dev eth0
    t0=$(date +%s%N)
    check "one endpoint address down: kcat still produces and consumes" bash -c \
        "echo x | timeout --foreground 40 ip netns exec $NS_WORKER kcat -m 30 -b $boot -P -t az$$ -p 1 -q -E -X socket.connection.setup.timeout.ms=1000 -X reconnect.backoff.max.ms=200 -X message.timeout.ms=30000 &&
         timeout --foreground 40 ip netns exec $NS_WORKER kcat -m 30 -b $boot -C -t az$$ -p 1 -c 1 -q -E -X socket.connection.setup.timeout.ms=1000 -X reconnect.backoff.max.ms=200 | grep -qx x"
    printf '      (took %d ms)\n' $((($(date +%s%N) - t0) / 1000000))
    in_ns "$NS_EP" ip addr add "$IP_EP_A/24" dev eth0
fi

# -- one zone's endpoint goes silent: the table is the cure -----------------------------------
# Packets to one of the two addresses vanish.  Kafka clients that are handed both addresses stall for
# tens of seconds (measured; not asserted here); taking the address out of the table brings them back.
if has kafka && command -v nft >/dev/null && command -v kcat >/dev/null; then
    in_ns "$NS_EP" nft "add table inet az; add chain inet az i { type filter hook input priority 0 ; }; add rule inet az i ip daddr $IP_EP_A drop"
    full_table | sed "s/\t$IP_EP_A,/\t/" | write_table
    reload_resolver
    if settle "b1.$KAFKA_ZONE" "$IP_EP_B" >/dev/null; then ok "evacuate: only the living address is answered"; else bad "evacuate: only the living address is answered" "$(digged "b1.$KAFKA_ZONE")"; fi
    check "evacuate: kcat produces and consumes at once" bash -c \
        "echo x | timeout --foreground 8 ip netns exec $NS_WORKER kcat -b $boot -P -t ev$$ -p 2 -q &&
         timeout --foreground 8 ip netns exec $NS_WORKER kcat -b $boot -C -t ev$$ -p 2 -c 1 -q | grep -qx x"
    in_ns "$NS_EP" nft delete table inet az
    full_table | write_table
    reload_resolver
    settle "b1.$KAFKA_ZONE" "$both" >/dev/null
else skp "evacuate: needs kafka, nft and kcat"; fi

# -- the same, and nobody changes the table: a health check sees to it ------------------------
# From the moment the address is withdrawn every client has to work at once, however it treats several
# addresses; the time limits leave it no room to try the dead one first.
if [ "$SCEN_HEALTH" = yes ] && has kafka && command -v nft >/dev/null; then
    full_table | sed "/$KAFKA_ZONE/s/\$/\t9092/" | write_table
    reload_resolver
    sleep 1.5       # both addresses have been tried
    same "health: both addresses answer, both are given" "$both" "$(digged "b1.$KAFKA_ZONE")"
    in_ns "$NS_EP" nft "add table inet hc; add chain inet hc i { type filter hook input priority 0 ; }; add rule inet hc i ip daddr $IP_EP_A drop"
    if ms=$(settle "b1.$KAFKA_ZONE" "$IP_EP_B"); then ok "health: the silent address is withdrawn ($ms ms)"; else bad "health: the silent address is withdrawn" "$(digged "b1.$KAFKA_ZONE")"; fi
    if command -v kcat >/dev/null; then T=8 check "health: kcat at once" kcat_round "hk$$"; fi
    if "$SCEN_PY" -c 'import confluent_kafka' 2>/dev/null; then
        T=10 check "health: confluent-kafka at once" worker "$SCEN_PY" -B "$SCEN_HERE/clients/confluent.py" "$boot" "hcf$$" 10
    else skp "health: python3-confluent-kafka is not installed"; fi
    if "$SCEN_PY" -c 'import kafka' 2>/dev/null; then
        T=10 check "health: kafka-python at once" worker "$SCEN_PY" -B "$SCEN_HERE/clients/kafkapy.py" "$boot" "hkp$$" 10
    else skp "health: python3-kafka is not installed"; fi
    if [ -d "$SCEN_NODE/node_modules/kafkajs" ]; then
        T=10 check "health: kafkajs at once" worker node "$SCEN_HERE/clients/kafkajs.mjs" "$boot" "hjs$$" 10
    else skp "health: kafkajs is not installed"; fi
    in_ns "$NS_EP" nft delete table inet hc
    if ms=$(settle "b1.$KAFKA_ZONE" "$both"); then ok "health: it is given again ($ms ms)"; else bad "health: it is given again" "$(digged "b1.$KAFKA_ZONE")"; fi
    full_table | write_table
    reload_resolver
    settle "b1.$KAFKA_ZONE" "$both" >/dev/null
fi

# -- the upstream has logged every question it got: none may have been for an attached name ----
if [ "$SCEN_LEAKS" = forbidden ]; then
    leaked=$(grep -iE "query\[[A-Z]+\] (.*\.)?($KAFKA_ZONE|$MYSQL_HOST|$PG_HOST) from" "$SCEN_RUN/upstream.log")
    if [ -z "$leaked" ]; then ok "no question for an attached name reached the upstream"; else bad "no question for an attached name reached the upstream" "$leaked"; fi
    if grep -q "query\[A\] $PUBLIC_HOST from" "$SCEN_RUN/upstream.log"; then ok "and the upstream did log the others"; else bad "and the upstream did log the others"; fi
fi

# -- and without the resolver nothing works: the scenario really depends on it ---------------
if [ "${SCEN_NEGATIVE:-1}" = 1 ]; then
    stop resolver
    if [ -z "$(T=8 worker getent ahostsv4 "b1.$KAFKA_ZONE")" ]; then ok "with the resolver stopped the name does not resolve"; else bad "with the resolver stopped the name does not resolve"; fi
    if start_resolver && [ "$(digged "b1.$KAFKA_ZONE")" = "$both" ]; then ok "and it does again after a restart"; else bad "and it does again after a restart"; fi
fi

totals
[ "$fail" = 0 ]
