# shellcheck shell=bash disable=SC2034
# Shared settings and helpers of the scenario scripts; sourced, never run.
# Everything below can be overridden from the environment.

SCEN_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${SCEN_PREFIX:=plc}"                                   # name prefix of the network namespaces
: "${SCEN_RUN:=${TMPDIR:-/tmp}/$SCEN_PREFIX-scenario}"    # pid files, logs, data; the database's user must be able to enter it
: "${SCEN_NODE:=$SCEN_RUN}"                               # where npm puts kafkajs; may be kept from run to run
: "${SCEN_MODE:=sidecar}"                                 # sidecar: resolver on the worker's 127.0.0.1; shared: own namespace
if [ -z "${SCEN_RESOLVER:-}" ]; then                      # a command line, run by sh -c; see README.md
    SCEN_RESOLVER=$SCEN_HERE/resolvers/pldns.sh
    : "${SCEN_RELOAD:=$SCEN_HERE/resolvers/pldns-reload.sh}"
    : "${SCEN_LEAKS:=forbidden}"                          # whether owned names may reach the upstream
    : "${SCEN_HEALTH:=yes}"                               # whether the resolver tries addresses itself
fi
: "${SCEN_RELOAD:=}"                                      # a command line run after the table changed; empty: SIGHUP
: "${SCEN_LEAKS:=allowed}"
: "${SCEN_HEALTH:=no}"
: "${SCEN_PARTS:=kafka,mariadb,postgres}"                 # which targets to start
: "${SCEN_START_WAIT:=20}"                                # seconds to wait for any one listener
: "${SCEN_PY:=/usr/bin/python3}"                          # the Debian python, which sees python3-confluent-kafka
export SCEN_RUN SCEN_NODE

NS_FABRIC=$SCEN_PREFIX-fabric       # a bridge, and nothing else
NS_WORKER=$SCEN_PREFIX-worker       # the dataflow worker or changefeed pod
NS_DNS=$SCEN_PREFIX-dns             # the resolver's place in shared mode
NS_UP=$SCEN_PREFIX-up               # the ordinary upstream DNS server
NS_EP=$SCEN_PREFIX-ep               # private endpoint addresses and the NLB stand-in behind them
NS_CUST=$SCEN_PREFIX-cust           # the customer's side: brokers and databases
ALL_NS="$NS_FABRIC $NS_WORKER $NS_DNS $NS_UP $NS_EP $NS_CUST"

# One flat /24 inside the fabric; the root namespace has no leg in it.
IP_WORKER=10.77.0.2
IP_DNS=10.77.0.53
IP_UP=10.77.0.54
IP_EP_A=10.77.0.10 IP_EP_B=10.77.0.11       # the Kafka endpoint, one address in each of two zones
IP_EP_MYSQL=10.77.0.20 IP_EP_PG=10.77.0.21  # the RDS endpoints
IP_B1=10.77.0.101 IP_B2=10.77.0.102 IP_B3=10.77.0.103
IP_DB=10.77.0.110

UNIQUE=abc123
KAFKA_ZONE=$UNIQUE.aws.plc.tidbcloud.com
MYSQL_HOST=orders.cfabcdefghij.us-east-1.rds.amazonaws.com
PG_HOST=ledger.cfabcdefghij.us-east-1.rds.amazonaws.com
PUBLIC_HOST=www.example.com                # only the upstream server knows it
PUBLIC_ADDR=10.77.0.80
UNREACHABLE=203.0.113.9                     # what the public DNS says of the RDS names; TEST-NET-3

ATTACH=$SCEN_RUN/attachments.tsv
: "${PLDNSD:=$SCEN_HERE/../../build/run/resolver/pldnsd}"
: "${PLDNSCTL:=$(dirname "$(dirname "$PLDNSD")")/ctl/pldnsctl}"   # the tool that was built beside it

has() { case ",$SCEN_PARTS," in *",$1,"*) ;; *) return 1 ;; esac; }
in_ns() { local ns=$1; shift; ip netns exec "$ns" "$@"; }
die() { printf 'scenario: %s\n' "$*" >&2; exit 1; }

# the kernel's start tick of a process, so that a recycled pid is never signalled; empty once it is a zombie
start_tick() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# spawn NAME NETNS COMMAND...: start in the background, output to NAME.log, pid to NAME.pid
spawn() {
    local name=$1 ns=$2 pid
    shift 2
    setsid ip netns exec "$ns" "$@" >"$SCEN_RUN/$name.log" 2>&1 </dev/null &
    pid=$!
    # setsid(1) and ip(8) exec what they are given, so this is the command's own pid
    printf '%s %s\n' "$pid" "$(start_tick "$pid")" >"$SCEN_RUN/$name.pid"
}

alive() {
    local pid tick
    [ -f "$SCEN_RUN/$1.pid" ] || return 1
    read -r pid tick <"$SCEN_RUN/$1.pid"
    [ -n "$tick" ] && [ "$(start_tick "$pid")" = "$tick" ]
}

pid_of() { local pid; read -r pid _ <"$SCEN_RUN/$1.pid"; printf '%s\n' "$pid"; }

# stop NAME: TERM, then KILL after 8 s, only if it is still the process that was started
stop() {
    local name=$1 i
    if alive "$name"; then
        kill -TERM "$(pid_of "$name")" 2>/dev/null || true
        for ((i = 0; i < 80; i++)); do alive "$name" || break; sleep 0.1; done
        if alive "$name"; then kill -KILL "$(pid_of "$name")" 2>/dev/null || true; fi
    fi
    rm -f "$SCEN_RUN/$name.pid"
}

# wait_tcp NAME NETNS HOST PORT
wait_tcp() {
    local i
    for ((i = 0; i < SCEN_START_WAIT * 10; i++)); do
        in_ns "$2" bash -c "exec 3<>/dev/tcp/$3/$4" 2>/dev/null && return 0
        alive "$1" || { tail -n 20 "$SCEN_RUN/$1.log" >&2; die "$1 ended while starting"; }
        sleep 0.1
    done
    tail -n 20 "$SCEN_RUN/$1.log" >&2
    die "$1 does not listen on $3:$4 after $SCEN_START_WAIT s"
}

# wait_dns PROCESS NETNS SERVER NAME: until any well-formed answer arrives
wait_dns() {
    local i
    for ((i = 0; i < SCEN_START_WAIT * 4; i++)); do
        in_ns "$2" dig +time=1 +tries=1 +noall +comments "@$3" "$4" A 2>/dev/null | grep -q 'status:' && return 0
        alive "$1" || return 1
        sleep 0.25
    done
    return 1
}

# The attachment table in a neutral form: KIND NAME ADDRESS[,ADDRESS...] [PORT]; KIND is
# "wildcard" (every name below NAME) or "exact", PORT where the addresses are to be tried.  A wrapper in resolvers/ turns it
# into what the resolver reads.  Written by rename, as a control plane would.
write_table() {
    local tmp
    tmp=$(mktemp "$ATTACH.XXXXXX")
    cat >"$tmp"
    chmod 644 "$tmp"
    mv -f "$tmp" "$ATTACH"
}

full_table() {
    printf 'wildcard\t%s\t%s,%s\n' "$KAFKA_ZONE" "$IP_EP_A" "$IP_EP_B"
    printf 'exact\t%s\t%s\n' "$MYSQL_HOST" "$IP_EP_MYSQL"
    printf 'exact\t%s\t%s\n' "$PG_HOST" "$IP_EP_PG"
}

start_resolver() {
    local ns=$NS_WORKER listen=127.0.0.1
    [ "$SCEN_MODE" = shared ] && { ns=$NS_DNS; listen=$IP_DNS; }
    spawn resolver "$ns" env PLC_LISTEN="$listen" PLC_PORT=53 PLC_UPSTREAM="$IP_UP" PLC_UPSTREAM_PORT=53 \
        PLC_ATTACHMENTS="$ATTACH" PLC_RUN="$SCEN_RUN" sh -c "exec $SCEN_RESOLVER"
    wait_dns resolver "$NS_WORKER" "$listen" "$PUBLIC_HOST" || { tail -n 20 "$SCEN_RUN/resolver.log" >&2; die "the resolver gives no answer"; }
}

# reload_resolver: tell the resolver that the table changed
reload_resolver() {
    if [ -n "$SCEN_RELOAD" ]; then
        RESOLVER_PID=$(pid_of resolver) PLC_RUN=$SCEN_RUN PLC_ATTACHMENTS=$ATTACH sh -c "$SCEN_RELOAD"
    else
        kill -HUP "$(pid_of resolver)"
    fi
}
