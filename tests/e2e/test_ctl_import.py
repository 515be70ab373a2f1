"""pldnsctl import: what ticloud and the aws command print becomes documents, and changes those that are there."""
import json

import pytest

from test_ctl import FINE, UNREACHABLE, WRONG, ctl

U = "dvs6nl5jgveztmla3pxkxgh76i"
GET = {
    "privateLinkConnectionId": "plc-0f3k2m9x", "clusterId": "10812345678901234567", "displayName": "kafka-prod",
    "state": "ACTIVE", "message": "", "createdBy": "ops@example.com", "createTime": "2026-05-07T03:12:45Z", "updateTime": None,
    "type": "AWS_ENDPOINT_SERVICE",
    "attachedDomains": [
        {"attachDomainId": "attach-domain-7c1d", "clusterId": "10812345678901234567", "privateLinkConnectionId": "plc-0f3k2m9x",
         "type": "TIDBCLOUD_MANAGED", "uniqueName": U, "createdBy": "ops@example.com", "createTime": "2026-05-07T03:20:11Z",
         "domains": [{"name": "*.use1-az1.%s.aws.plc.tidbcloud.com" % U, "state": "ACTIVE", "message": ""},
                     {"name": "*.use1-az2.%s.aws.plc.tidbcloud.com" % U, "state": "ACTIVE", "message": ""}]},
        {"attachDomainId": "attach-domain-8e40", "clusterId": "10812345678901234567", "privateLinkConnectionId": "plc-0f3k2m9x",
         "type": "CONFLUENT", "uniqueName": "domnprzqrog.us-east-1",
         "domains": [{"name": "*.domnprzqrog.us-east-1.aws.confluent.cloud", "state": "ACTIVE"}]}],
    "awsEndpointService": {"name": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", "region": "us-east-1",
                           "endpointId": "vpce-0123456789abcdef0", "availabilityZoneIds": ["use1-az1", "use1-az2"]}}
LISTED = {k: v for k, v in GET.items() if k != "attachedDomains"}
HOST = "vpce-0123456789abcdef0-abcdefgh%s.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
VPCE = {"VpcEndpoints": [
    {"VpcEndpointId": "vpce-0123456789abcdef0", "VpcEndpointType": "Interface", "VpcId": "vpc-1",
     "ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", "State": "available",
     "SubnetIds": ["subnet-a", "subnet-b"], "NetworkInterfaceIds": ["eni-a", "eni-b"],
     "DnsEntries": [{"DnsName": HOST % "", "HostedZoneId": "Z1"}, {"DnsName": HOST % "-us-east-1a", "HostedZoneId": "Z1"},
                    {"DnsName": HOST % "-us-east-1b", "HostedZoneId": "Z1"},
                    {"DnsName": "private.example.com", "HostedZoneId": "Z2"}]},
    {"VpcEndpointId": "vpce-somebody-elses", "VpcEndpointType": "Gateway", "State": "available", "DnsEntries": []}]}
ENI = {"NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-a", "AvailabilityZone": "us-east-1a", "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.5",
     "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.5", "Primary": True}], "Ipv6Addresses": [{"Ipv6Address": "fd00::5"}]},
    {"NetworkInterfaceId": "eni-b", "AvailabilityZone": "us-east-1b", "SubnetId": "subnet-b", "PrivateIpAddress": "10.0.2.5"}]}
ZONES = {"AvailabilityZones": [{"ZoneName": "us-east-1a", "ZoneId": "use1-az2"}, {"ZoneName": "us-east-1b", "ZoneId": "use1-az1"}]}


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    (tmp_path / "d").mkdir()
    return tmp_path / "d"


def run(folder, *inputs, options=()):
    """Imports the values, each from a file of its own."""
    files = []
    for n, value in enumerate(inputs):
        files.append(folder.parent / ("in%d.json" % n))
        files[-1].write_text(json.dumps(value))
    return ctl("import", *files, "-a", folder, *options)


def connections(folder):
    return json.loads(ctl("list", "-a", folder, "-o", "json").stdout)["privateLinkConnections"]


def without_nulls(value):
    return {k: v for k, v in value.items() if v is not None}


def test_get_becomes_a_document_and_once_is_enough(folder):
    ran = run(folder, GET)
    assert (ran.returncode, ran.stdout) == (FINE, "plc-0f3k2m9x created in plc-0f3k2m9x.yaml\n"), ran.stderr
    assert connections(folder) == [without_nulls(GET)]
    text = (folder / "plc-0f3k2m9x.yaml").read_text()
    assert "privateLinkConnectionId: plc-0f3k2m9x\n" in text and "\n  - attachDomainId: attach-domain-7c1d\n" in text
    ran = run(folder, GET)
    assert ran.stdout == "plc-0f3k2m9x unchanged in plc-0f3k2m9x.yaml\n" and (folder / "plc-0f3k2m9x.yaml").read_text() == text
    ran = run(folder, GET, options=["--server", "unix:/nonexistent/pldns.sock"])     # it must answer, and that is all
    assert ran.returncode == UNREACHABLE and "written" not in ran.stderr, ran.stderr


def test_what_list_prints_can_be_imported_again(folder):
    custom = {"privateLinkConnectionId": "plc-c", "type": "VPC_RESOURCE", "endpoints": [{"addresses": ["10.0.0.1"]}],
              "attachedDomains": [{"type": "CUSTOM", "domains": [{"name": "a.example.com"}, {"name": "b.example.com"}]},
                                  {"type": "CUSTOM", "domains": [{"name": "c.example.com"}]}]}
    assert run(folder, custom).returncode == FINE
    listed = json.loads(ctl("list", "-a", folder, "-o", "json").stdout)
    ran = run(folder, listed)
    assert (ran.returncode, ran.stdout) == (FINE, "plc-c unchanged in plc-c.yaml\n"), ran.stderr
    listed["privateLinkConnections"][0]["endpoints"][0]["addresses"] = ["10.0.0.2"]
    ran = run(folder, listed)
    assert (ran.returncode, ran.stdout) == (FINE, "plc-c updated in plc-c.yaml: endpoints\n"), ran.stderr


def test_standard_input(folder):
    assert ctl("import", "-a", folder, stdin=json.dumps(GET)).returncode == FINE
    assert ctl("import", "-", "-a", folder, stdin=json.dumps([GET])).stdout.endswith("unchanged in plc-0f3k2m9x.yaml\n")


# What a YAML reader forbids, takes for a line break, folds, or takes for something else.
TEXTS = ["\x7f", "a\x85b", "\x80", "\x9f", " \u2028 \ufeff", "\ufffe", "\uffff", "\x1b[2J", "\U0001f600", "a\n b", " a ", "", "~", "x: y #z",
         "\\u007f", "\""]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_arrives_as_it_was(folder, text):
    for told in ({**GET, "displayName": text}, {**GET, "displayName": "x"}, {**GET, "displayName": text}):     # made, changed, changed
        ran = run(folder, told)
        assert ran.returncode == FINE, ran.stderr
        assert connections(folder)[0]["displayName"] == told["displayName"]


@pytest.mark.parametrize("more, said", [({"more": json.loads("[" * 40 + "]" * 40)}, "nested"), ({"x" * 2000: 1}, "")])
def test_what_no_document_can_hold(folder, more, said):
    for _ in range(2):
        ran = run(folder, {**GET, **more})
        assert ran.returncode == WRONG and "plc-0f3k2m9x: no document can hold it: " in ran.stderr and said in ran.stderr
        assert run(folder, GET).returncode == FINE


def test_list_does_not_detach(folder):
    run(folder, GET)
    listed = dict(LISTED, state="FAILED", message="rejected by the owner")
    ran = run(folder, {"privateLinkConnections": [listed], "nextPageToken": "", "totalSize": "1"}, options=["-o", "json"])
    told = json.loads(ran.stdout)["connections"]
    assert told == [{"privateLinkConnectionId": "plc-0f3k2m9x", "document": "plc-0f3k2m9x.yaml", "action": "updated",
                     "fields": ["state", "message"]}]
    assert connections(folder) == [dict(without_nulls(GET), state="FAILED", message="rejected by the owner")]


def test_what_a_person_wrote_stays(folder):
    (folder / "mine.yaml").write_text("""\
# ours
privateLinkConnections:
  - privateLinkConnectionId: plc-0f3k2m9x   # the one
    type: AWS_ENDPOINT_SERVICE
    state: CREATING   # not yet
    ttl: 20
    awsEndpointService:
      name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0   # theirs
    endpoints:
      - zone: use1-az1
        addresses: [10.0.0.1]  # by hand
    attachedDomains:
      # a database
      - type: CUSTOM
        domains: [{name: db.example.com}]
  - privateLinkConnectionId: plc-other
    type: AWS_ENDPOINT_SERVICE
    attachedDomains: []
""")
    ran = run(folder, GET)
    assert ran.returncode == FINE, ran.stderr
    kept = ("# ours", "# the one", "state: ACTIVE   # not yet", "# theirs", "# by hand", "# a database", "ttl: 20")
    text = (folder / "mine.yaml").read_text()
    assert [one for one in kept if one not in text] == [], text
    one, other = connections(folder)
    assert [d["type"] for d in one["attachedDomains"]] == ["CUSTOM", "TIDBCLOUD_MANAGED", "CONFLUENT"]
    assert one["endpoints"] == [{"zone": "use1-az1", "addresses": ["10.0.0.1"]}] and other["attachedDomains"] == []
    # What the API does not have any more goes; what it cannot have stays.
    ran = run(folder, dict(GET, attachedDomains=GET["attachedDomains"][1:]))
    assert ran.stdout == "plc-0f3k2m9x updated in mine.yaml: attachedDomains\n"
    assert [d["type"] for d in connections(folder)[0]["attachedDomains"]] == ["CUSTOM", "CONFLUENT"]
    text = (folder / "mine.yaml").read_text()
    assert [one for one in kept if one not in text] == [], text


def test_endpoints_that_go_take_nothing_of_others_along(folder):
    (folder / "mine.yaml").write_text("""\
privateLinkConnectionId: plc-0f3k2m9x
type: AWS_ENDPOINT_SERVICE
awsEndpointService: {endpointId: vpce-0123456789abcdef0}
endpoints:
  - zone: use1-az6
    addresses: [10.0.6.5]
  # the first rack
  - zone: use1-az1   # b
    addresses: ['10.9.9.9']   # changes
    state: available
  - zone: use1-az4
    addresses: [10.0.4.5]
  - zone: use1-az5
    addresses: [10.0.5.5]
  # behind all
ttl: 20
""")
    ran = run(folder, VPCE, ENI, ZONES)
    assert ran.returncode == FINE, ran.stderr
    text = (folder / "mine.yaml").read_text()
    assert [(e["zone"], e["addresses"]) for e in connections(folder)[0]["endpoints"]] == [
        ("use1-az1", ["10.0.2.5"]), ("use1-az2", ["10.0.1.5", "fd00::5"])], text
    for kept in ("# the first rack\n  - zone: use1-az1   # b\n", "  # changes\n    state", "  # behind all\nttl: 20\n"):
        assert kept in text, text
    assert "use1-az4" not in text and "use1-az5" not in text and "use1-az6" not in text


def test_a_state_of_one_domain(folder):
    run(folder, GET)
    changed = json.loads(json.dumps(GET))
    changed["attachedDomains"][0]["domains"][1].update(state="FAILED", message="no endpoint in zone")
    assert run(folder, changed).stdout == "plc-0f3k2m9x updated in plc-0f3k2m9x.yaml: attachedDomains\n"
    assert connections(folder) == [without_nulls(changed)]


def test_dry_run_shows_what_would_change(folder):
    ran = run(folder, dict(GET, endpoints=[{"zone": "use1-az1", "addresses": ["10.0.0.1"]}]), options=["--dry-run"])
    assert ran.returncode == FINE and not list(folder.iterdir())
    assert "plc-0f3k2m9x created in plc-0f3k2m9x.yaml" in ran.stdout and "become private" in ran.stdout
    assert "*.use1-az1.%s.aws.plc.tidbcloud.com" % U in ran.stdout and "10.0.0.1" in ran.stdout
    told = json.loads(run(folder, GET, options=["--dry-run", "-o", "json"]).stdout)
    assert told["connections"][0]["action"] == "created" and all(n["change"] == "private" for n in told["names"])


def test_many_connections_at_once(folder):
    many = [dict(LISTED, privateLinkConnectionId="plc-%d" % n) for n in range(50)]
    assert run(folder, {"privateLinkConnections": many}).returncode == FINE
    assert len(list(folder.iterdir())) == 50
    ran = run(folder, {"privateLinkConnections": [dict(one, state="DELETING") for one in many[:3]] + many[3:]})
    assert ran.stdout.count(" updated ") == 3 and ran.stdout.count(" unchanged ") == 47
    assert run(folder, {"privateLinkConnections": many}, options=["-c", "999"]).stdout == ""


# ---- aws -----------------------------------------------------------------------------------------

def test_addresses_from_network_interfaces(folder):
    run(folder, GET)
    ran = run(folder, VPCE, ENI, ZONES)
    assert ran.returncode == FINE, ran.stderr
    assert ran.stdout == "plc-0f3k2m9x updated in plc-0f3k2m9x.yaml: endpoints\n"
    assert connections(folder)[0]["endpoints"] == [
        {"zone": "use1-az2", "addresses": ["10.0.1.5", "fd00::5"], "state": "available"},
        {"zone": "use1-az1", "addresses": ["10.0.2.5"], "state": "available"}]
    name = "b1.use1-az1.%s.aws.plc.tidbcloud.com" % U
    assert json.loads(ctl("explain", name, "-a", folder, "-o", "json").stdout)["addresses"] == ["10.0.2.5"]
    assert run(folder, VPCE, ENI, ZONES).stdout == "plc-0f3k2m9x unchanged in plc-0f3k2m9x.yaml\n"


def test_names_without_network_interfaces(folder):
    run(folder, GET)
    ran = run(folder, VPCE, options=["--zone-id", "us-east-1a=use1-az2", "--zone-id", "us-east-1b=use1-az1"])
    assert ran.returncode == FINE, ran.stderr
    assert connections(folder)[0]["endpoints"] == [
        {"zone": "use1-az2", "dnsName": HOST % "-us-east-1a", "state": "available"},
        {"zone": "use1-az1", "dnsName": HOST % "-us-east-1b", "state": "available"}]
    # Addresses take the names' place, and the other way round.
    assert run(folder, VPCE, ENI, ZONES).returncode == FINE
    assert connections(folder)[0]["endpoints"][1] == {"zone": "use1-az1", "state": "available", "addresses": ["10.0.2.5"]}
    assert run(folder, VPCE, ZONES).returncode == FINE
    assert connections(folder)[0]["endpoints"][1] == {"zone": "use1-az1", "state": "available", "dnsName": HOST % "-us-east-1b"}


def test_a_zone_name_is_no_zone_id(folder):
    run(folder, GET)
    before = (folder / "plc-0f3k2m9x.yaml").read_text()
    ran = run(folder, VPCE)
    assert ran.returncode == WRONG and "'us-east-1a' is a name of one account" in ran.stderr and "--zone-id us-east-1a=ID" in ran.stderr
    assert (folder / "plc-0f3k2m9x.yaml").read_text() == before


def test_subnet_configurations(folder):
    run(folder, GET)
    one = dict(VPCE["VpcEndpoints"][0], NetworkInterfaceIds=[], State="pendingAcceptance",
               SubnetConfigurations=[{"SubnetId": "subnet-a", "Ipv4": "10.0.1.9"}, {"SubnetId": "subnet-b", "Ipv6": "fd00::9"}])
    subnets = {"Subnets": [{"SubnetId": "subnet-a", "AvailabilityZone": "us-east-1a", "AvailabilityZoneId": "use1-az1"},
                           {"SubnetId": "subnet-b", "AvailabilityZone": "us-east-1b", "AvailabilityZoneId": "use1-az2"}]}
    assert run(folder, {"VpcEndpoints": [one]}, subnets).returncode == FINE
    assert connections(folder)[0]["endpoints"] == [
        {"zone": "use1-az1", "addresses": ["10.0.1.9"], "state": "pendingAcceptance"},
        {"zone": "use1-az2", "addresses": ["fd00::9"], "state": "pendingAcceptance"}]


def test_zones_come_and_go(folder):
    run(folder, GET)
    run(folder, VPCE, ENI, ZONES)
    less = {"VpcEndpoints": [dict(VPCE["VpcEndpoints"][0], NetworkInterfaceIds=["eni-b"])]}
    assert run(folder, less, ENI, ZONES).returncode == FINE
    assert [e["zone"] for e in connections(folder)[0]["endpoints"]] == ["use1-az1"]


def test_an_endpoint_is_given_to_a_connection(folder):
    ctl("create", "plc-1", "--type", "AWS_ENDPOINT_SERVICE", "-a", folder)
    one = {"VpcEndpoints": VPCE["VpcEndpoints"][:1]}
    ran = run(folder, one, ENI, ZONES)
    assert ran.returncode == WRONG and "--id names the connection" in ran.stderr
    assert run(folder, VPCE, ENI, ZONES, options=["--id", "plc-1"]).returncode == WRONG
    ran = run(folder, one, ENI, ZONES, options=["--id", "plc-2"])
    assert ran.returncode == WRONG and "no connection 'plc-2'" in ran.stderr
    assert run(folder, one, ENI, ZONES, options=["--id", "plc-1"]).returncode == FINE
    told = connections(folder)[0]
    assert told["awsEndpointService"]["endpointId"] == "vpce-0123456789abcdef0" and len(told["endpoints"]) == 2
    assert run(folder, VPCE, ENI, ZONES).stdout == "plc-1 unchanged in plc-1.yaml\n"


def test_all_together(folder):
    """The connection, its endpoints and their zones in one go: a new connection, and one that changes."""
    ran = run(folder, LISTED, GET, VPCE, ENI, ZONES)
    assert ran.stdout == "plc-0f3k2m9x created in plc-0f3k2m9x.yaml\n", ran.stderr
    told = connections(folder)[0]
    assert len(told["endpoints"]) == 2 and len(told["attachedDomains"]) == 2
    text = (folder / "plc-0f3k2m9x.yaml").read_text()
    assert run(folder, LISTED, GET, VPCE, ENI, ZONES).stdout == "plc-0f3k2m9x unchanged in plc-0f3k2m9x.yaml\n"
    moved = json.loads(json.dumps(ENI).replace("10.0.1.5", "10.0.1.6"))
    ran = run(folder, LISTED, dict(GET, state="FAILED"), VPCE, moved, ZONES)
    assert ran.stdout == "plc-0f3k2m9x updated in plc-0f3k2m9x.yaml: state, endpoints\n"
    assert (folder / "plc-0f3k2m9x.yaml").read_text() == text.replace("10.0.1.5", "10.0.1.6").replace(
        "state: ACTIVE\n", "state: FAILED\n", 1)


def test_the_whole_region_name_alone(folder):
    ctl("create", "plc-1", "--type", "AWS_ENDPOINT_SERVICE", "-a", folder)
    one = dict(VPCE["VpcEndpoints"][0], NetworkInterfaceIds=[], DnsEntries=VPCE["VpcEndpoints"][0]["DnsEntries"][:1])
    assert run(folder, {"VpcEndpoints": [one]}, options=["--id", "plc-1"]).returncode == FINE
    assert connections(folder)[0]["endpoints"] == [{"dnsName": HOST % "", "state": "available"}]


# ---- mistakes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, said", [
    ("", "not JSON"),
    ("{", "not JSON"),
    ("[1]", "is no privateLinkConnectionId"),
    ("{}", "is none of"),
    ("[{}]", "is no privateLinkConnectionId"),
    ('{"privateLinkConnectionId": "../x", "type": "AWS_ENDPOINT_SERVICE"}', "is no privateLinkConnectionId"),
    ('{"privateLinkConnectionId": "plc-1", "type": "NO_SUCH_TYPE"}', "type"),
    ('{"privateLinkConnectionId": 5}', "is no privateLinkConnectionId"),
    ('{"privateLinkConnectionId": "plc-1", "type": "AWS_ENDPOINT_SERVICE", "attachedDomains": [[]]}', "wants a map"),
    ('{"VpcEndpoints": [1, "x", {}, {"VpcEndpointId": 7}]}', "no connection has the endpointId"),
    ('{"VpcEndpoints": "x"}', "is none of"),
])
def test_wrong_input_writes_nothing(folder, text, said):
    ran = ctl("import", "-", "-a", folder, stdin=text)
    assert ran.returncode == WRONG and said in ran.stderr, ran.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize("broken", [
    {"DnsEntries": [{"DnsName": 5}, 7, {}]}, {"DnsEntries": {}}, {"NetworkInterfaceIds": [5]}, {"NetworkInterfaceIds": "x"},
    {"SubnetConfigurations": [{}], "NetworkInterfaceIds": []}, {"State": 5}, {"DnsEntries": [{"DnsName": HOST % ("-" + "x" * 80)}]},
])
def test_broken_output_of_aws(folder, broken):
    run(folder, GET)
    one = {**VPCE["VpcEndpoints"][0], **broken}
    ran = run(folder, {"VpcEndpoints": [one]})
    assert ran.returncode in (FINE, WRONG), ran.stderr
    assert ctl("check", folder).returncode == FINE


def test_a_conflict_names_both_places(folder):
    run(folder, GET)
    ran = run(folder, dict(GET, privateLinkConnectionId="plc-2"))
    assert ran.returncode == WRONG and "plc-2.yaml:" in ran.stderr and "plc-0f3k2m9x.yaml:" in ran.stderr
    assert len(list(folder.iterdir())) == 1
