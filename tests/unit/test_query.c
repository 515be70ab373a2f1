/* What a client gets: docs/answers.md, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_client.h"

#define U  "dvs6nl5jgveztmla3pxkxgh76i"
#define US U ".aws.plc.tidbcloud.com"

#define AWS(n)                                                                                     \
    "  clusterId: \"1081\"\n  type: AWS_ENDPOINT_SERVICE\n"                                        \
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcde" n         \
    ", region: us-east-1}\n"
#define CUSTOM(id, name)                                                                           \
    "  attachedDomains: [{attachDomainId: " id ", type: CUSTOM, domains: [{name: \"" name "\"}]}]" \
    "\n"

static const char
    documents[] =
        "privateLinkConnections:\n"
        "- privateLinkConnectionId: plc-a\n" AWS("0") "  state: ACTIVE\n"
                                                      "  endpoints:\n"
                                                      "  - {zone: use1-az1, addresses: "
                                                      "[10.20.1.15, \"fd00::15\"]}\n"
                                                      "  - {zone: use1-az2, addresses: "
                                                      "[10.20.2.15]}\n"
                                                      "  attachedDomains: [{attachDomainId: ad-1, "
                                                      "type: TIDBCLOUD_MANAGED, "
                                                      "uniqueName: " U "}]\n"
                                                      "- privateLinkConnectionId: plc-b\n" AWS("1") "  state: CREATING\n"
                                                                                                    "  message: waiting for approval\n"
                                                                                                    "  endpoints: [{addresses: [10.20.1.16]}]\n" CUSTOM("ad-2", "notready."
                                                                                                                                                                "corp."
                                                                                                                                                                "example") "- privateLinkConnectionId: plc-c\n" AWS("2") "  state: REJECTED\n"
                                                                                                                                                                                                                         "  endpoints: [{addresses: [10.20.1.17]}]\n" CUSTOM("ad-3", "*."
                                                                                                                                                                                                                                                                                     "go"
                                                                                                                                                                                                                                                                                     "ne"
                                                                                                                                                                                                                                                                                     ".c"
                                                                                                                                                                                                                                                                                     "or"
                                                                                                                                                                                                                                                                                     "p."
                                                                                                                                                                                                                                                                                     "ex"
                                                                                                                                                                                                                                                                                     "am"
                                                                                                                                                                                                                                                                                     "pl"
                                                                                                                                                                                                                                                                                     "e") "- privateLinkConnectionId: plc-d\n" AWS("3") "  ttl: 7\n"
                                                                                                                                                                                                                                                                                                                                        "  endpoints: [{addresses: [10.20.1.18]}]\n" CUSTOM("ad-4",
                                                                                                                                                                                                                                                                                                                                                                                            "db.corp.example") "- privateLinkConnectionId: "
                                                                                                                                                                                                                                                                                                                                                                                                               "plc-e\n" AWS("4") "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "zoneFallbac"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "k: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "regional\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "endpoints: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "[{zone: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "use1-az1, "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "addresses: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "[10.20.1."
                                                                                                                                                                                                                                                                                                                                                                                                                                  "19]}]\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "attachedDom"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "ains: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "[{"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "attachDomai"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "nId: ad-5, "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "type: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "TIDBCLOUD_"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "MANAGED, "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "uniqueName:"
                                                                                                                                                                                                                                                                                                                                                                                                                                  " "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "aaaaaaaaaaa"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "aaaaaaaaaaa"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "aaaa}]\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "- "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "privateLink"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "ConnectionI"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "d: "
                                                                                                                                                                                                                                                                                                                                                                                                                                  "plc-"
                                                                                                                                                                                                                                                                                                                                                                                                                                  "f\n" AWS(
                                                                                                                                                                                                                                                                                                                                                                                                                                      "5") "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "en"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "dp"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "oi"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "nt"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "s:"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "- "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "{a"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "dd"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "re"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "ss"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "es"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ": "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "[1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "4,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "5,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "6,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "7,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".0"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".8"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".0"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".9"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".0"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "11"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".0"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "13"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".0"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "4]"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "}"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "- "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "{a"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "dd"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "re"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "ss"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "es"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ": "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "[1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "4,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "5,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "6,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "7,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".8"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".9"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "11"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "13"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "10"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".3"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ".1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "4]"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "}"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "  "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "- "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "{a"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "dd"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "re"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "ss"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "es"
                                                                                                                                                                                                                                                                                                                                                                                                                                           ": "
                                                                                                                                                                                                                                                                                                                                                                                                                                           "[1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "1,"
                                                                                                                                                                                                                                                                                                                                                                                                                                           " 1"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "0."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "3."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2."
                                                                                                                                                                                                                                                                                                                                                                                                                                           "2]"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "}"
                                                                                                                                                                                                                                                                                                                                                                                                                                           "\n" CUSTOM(
                                                                                                                                                                                                                                                                                                                                                                                                                                               "ad-6",
                                                                                                                                                                                                                                                                                                                                                                                                                                               "many.corp.example");

static char *const environment[] = {
    (char *)"PLDNS_FENCE=fenced.example",
    (char *)"PLDNS_SEARCH_SUFFIXES=svc.cluster.local",
    (char *)"PLDNS_INSTANCE=ns-7",
    (char *)"PLDNS_LISTEN=127.0.0.1:5300,[::]:5300",
    (char *)"PLDNS_DIAGNOSTICS_CLIENTS=127.0.0.0/8",
    NULL,
};

struct row {
    const char *question, *answer;
};

static void check(struct fake_client *c, const struct row *rows, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char *said = fake_client_ask(c, rows[i].question);
        if (strcmp(said, rows[i].answer) != 0)
            fail_msg("%s:\n  says   '%s',\n  wanted '%s'", rows[i].question, said, rows[i].answer);
    }
}
#define CHECK(c, rows) check(c, rows, ARRAY_LENGTH(rows))

static void owned_names(void **state)
{
    static const struct row rows[] = {
        {"db.corp.example A", "NOERROR aa rd ra | 7 A 10.20.1.18"},
        {"DB.corp.EXAMPLE A", "NOERROR aa rd ra | 7 A 10.20.1.18"},
        {"db.corp.example A nord", "NOERROR aa ra | 7 A 10.20.1.18"},
        {"db.corp.example A ad cd", "NOERROR aa rd ra cd | 7 A 10.20.1.18"},
        {"db.corp.example A edns", "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232"},
        {"db.corp.example A do", "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232 do"},
        {"db.corp.example A tcp", "NOERROR aa rd ra | 7 A 10.20.1.18"},
        /* NODATA, whatever the type. */
        {"db.corp.example AAAA", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example HTTPS", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example TXT", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example NS", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example CNAME", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example TYPE65280", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"db.corp.example TYPE0", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {"b1." US " MX", "NOERROR aa rd ra | auth " US ". 5 SOA 1 5"},
        {US " A", "NOERROR aa rd ra | auth 5 SOA 1 5"},
        {US " SOA", "NOERROR aa rd ra | 5 SOA 1 5"},
        {"use1-az1." US " A", "NOERROR aa rd ra | auth " US ". 5 SOA 1 5"},
        {"b1." US " SOA", "NOERROR aa rd ra | auth " US ". 5 SOA 1 5"},
        /* Zones. */
        {"b1.use1-az1." US " A", "NOERROR aa rd ra | 30 A 10.20.1.15"},
        {"b1.use1-az2." US " A", "NOERROR aa rd ra | 30 A 10.20.2.15"},
        {"b1.use1-az2." US " AAAA", "NOERROR aa rd ra | auth " US ". 5 SOA 1 5"},
        {"b1." US " AAAA", "NOERROR aa rd ra | 30 AAAA fd00::15"},
        {"b1.use1-az9." US " A", "NXDOMAIN aa rd ra | auth " US ". 5 SOA 1 5"},
        {"b1.USE1-az9." US " TXT edns",
         "NXDOMAIN aa rd ra | auth " US
         ". 5 SOA 1 5 | opt 1232 ede 15 no endpoint in zone use1-az9"},
        {"b1.use1-az9.aaaaaaaaaaaaaaaaaaaaaaaaaa.aws.plc.tidbcloud.com A",
         "NOERROR aa rd ra | 30 A 10.20.1.19"},
        /* States. */
        {"notready.corp.example A", "SERVFAIL aa rd ra"},
        {"notready.corp.example HTTPS edns",
         "SERVFAIL aa rd ra | opt 1232 ede 14 connection plc-b is CREATING: waiting for approval"},
        {"x.gone.corp.example A edns",
         "NXDOMAIN aa rd ra | auth gone.corp.example. 5 SOA 1 5 | opt 1232 ede 15 connection plc-c "
         "is REJECTED"},
        {"x.gone.corp.example SOA", "NXDOMAIN aa rd ra | auth gone.corp.example. 5 SOA 1 5"},
        /* Fences and search suffixes. */
        {"a.fenced.example A edns", "NXDOMAIN aa rd ra | auth fenced.example. 5 SOA 1 5 | opt 1232 "
                                    "ede 15 fenced and not attached"},
        {"b1." US ".svc.cluster.local A edns",
         "NXDOMAIN aa rd ra | auth svc.cluster.local. 5 SOA 1 5 | opt 1232"},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    CHECK(c, rows);
    assert_int_equal(fake_client_count(c, STATS_OWNED), ARRAY_LENGTH(rows));
    assert_int_equal(fake_client_count(c, STATS_OWNED_NOT_READY), 2);
    assert_int_equal(fake_client_count(c, STATS_OWNED_REGIONAL), 1);
    assert_int_equal(fake_client_count(c, STATS_FENCED), 1);
    assert_int_equal(fake_client_count(c, STATS_SEARCH_ABSORBED), 1);
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 0);
    fake_client_free(c);
}

static void addresses_rotate(void **state)
{
    static const struct row rows[] = {
        {"b1." US " A", "NOERROR aa rd ra | 30 A 10.20.1.15 | 30 A 10.20.2.15"},
        {"b1." US " A", "NOERROR aa rd ra | 30 A 10.20.2.15 | 30 A 10.20.1.15"},
        {"b1." US " A", "NOERROR aa rd ra | 30 A 10.20.1.15 | 30 A 10.20.2.15"},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    CHECK(c, rows);
    fake_client_free(c);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

static void what_does_not_fit_is_cut(void **state)
{
    static const struct {
        const char *question;
        unsigned records;
        bool truncated;
    } rows[] = {
        {"many.corp.example A", 29, true}, /* 512 octets */
        {"many.corp.example A edns=100", 29, true},
        {"many.corp.example A edns=512", 29, true},
        {"many.corp.example A edns=525", 29, true},
        {"many.corp.example A edns=526", 30, false},
        {"many.corp.example A edns=65535", 30, false},
        {"many.corp.example A tcp", 30, false},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *said = fake_client_ask(c, rows[i].question);
        assert_int_equal(count_of(said, " A 10.3."), rows[i].records);
        assert_int_equal(strstr(said, " tc ") != NULL, rows[i].truncated);
    }
    assert_int_equal(fake_client_count(c, STATS_TRUNCATED), 4);
    fake_client_free(c);
}

static void is_it_a_query(void **state)
{
    static const struct row rows[] = {
        {"b1." US " AXFR", "REFUSED rd ra"},
        {"b1." US " IXFR", "REFUSED rd ra"},
        {"b1." US " MAILA", "NOTIMP rd ra"},
        {"b1." US " MAILB", "NOTIMP rd ra"},
        {"b1." US " OPT", "NOTIMP rd ra"},
        {"b1." US " TSIG", "NOTIMP rd ra"},
        {"www.example TKEY edns", "NOTIMP rd ra | opt 1232 ede 21"},
        {"b1." US " ANY", "NOERROR rd ra | 3600 HINFO \"RFC8482\" \"\""},
        {"www.example ANY", "NOERROR rd ra | 3600 HINFO \"RFC8482\" \"\""},
        {"b1." US " A hs", "REFUSED rd ra"},
        /* From our own addresses, or from a port that nobody has. */
        {"b1." US " A from=127.0.0.1:5300", "silent"},
        {"b1." US " A from=[::1]:5300", "silent"},
        {"b1." US " A from=127.0.0.2:5300", "NOERROR aa rd ra | 30 A 10.20.1.15 | 30 A 10.20.2.15"},
        /* Options. */
        {"db.corp.example A nsid", "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232 nsid ns-7"},
        {"db.corp.example A keepalive", "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232"},
        {"db.corp.example A tcp keepalive",
         "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232 keepalive 100"},
        {"db.corp.example A cookie",
         "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232 option 10 of 24"},
        /* Strangers. */
        {"b1." US " A from=198.51.100.1", "REFUSED rd ra"},
        {"b1." US " A edns from=198.51.100.1",
         "REFUSED rd ra | opt 1232 ede 18 not in clients.allow"},
        {"version.bind TXT ch from=198.51.100.1", "REFUSED rd ra"},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    CHECK(c, rows);
    assert_int_equal(fake_client_count(c, STATS_DROPPED_SELF), 2);
    assert_int_equal(fake_client_count(c, STATS_REFUSED_CLIENT), 3);
    fake_client_free(c);
}

static void strangers_may_get_silence(void **state)
{
    static char *const drop[] = {(char *)"PLDNS_CLIENTS_OTHERWISE=drop",
                                 (char *)"PLDNS_CLIENTS_ALLOW=10.0.0.0/8", NULL};
    static const struct row rows[] = {
        {"b1." US " A", "silent"},
        {"db.corp.example A from=10.1.2.3", "NOERROR aa rd ra | 7 A 10.20.1.18"},
    };
    struct fake_client *c = fake_client_new(drop, documents);

    (void)state;
    CHECK(c, rows);
    assert_int_equal(fake_client_count(c, STATS_DROPPED_CLIENT), 1);
    fake_client_free(c);
}

/* Octets of a query for "a.b" and what is changed about it. */
#define HEAD(flags1, flags2, qd, an, ns, ar)                                                       \
    "\x12\x34" flags1 flags2 "\0" qd "\0" an "\0" ns "\0" ar
#define QUESTION "\1a\1b\0\0\1\0\1"
#define OPT_HEAD "\0\0\x29\x04\xd0\0"

static const struct {
    const char *what;
    const char *bytes;
    size_t size;
    const char *answer;
} odd[] = {
#define ODD(what, bytes, answer)                                                                   \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1, answer                                                     \
    }
    ODD("nothing", "", "silent"),
    ODD("11 octets", "\x12\x34\1\0\0\1\0\0\0\0\0", "silent"),
    ODD("a response", HEAD("\x81", "\0", "\1", "\0", "\0", "\0") QUESTION, "silent"),
    ODD("opcode NOTIFY", HEAD("\x21", "\0", "\1", "\0", "\0", "\0") QUESTION, "NOTIMP rd ra"),
    ODD("opcode 6, bare", HEAD("\x30", "\0", "\0", "\0", "\0", "\0"), "NOTIMP ra bare"),
    ODD("opcode UPDATE with OPT",
        HEAD("\x28", "\0", "\1", "\0", "\0", "\1") QUESTION OPT_HEAD "\0\0\0\0\0",
        "NOTIMP ra | opt 1232 ede 21"),
    ODD("header only", HEAD("\1", "\0", "\0", "\0", "\0", "\0"), "FORMERR rd ra bare"),
    ODD("two questions", HEAD("\1", "\0", "\2", "\0", "\0", "\0") QUESTION QUESTION,
        "FORMERR rd ra"),
    ODD("two questions and OPT",
        HEAD("\1", "\0", "\2", "\0", "\0", "\1") QUESTION QUESTION OPT_HEAD "\0\0\0\0\0",
        "FORMERR rd ra | opt 1232"),
    ODD("question missing", HEAD("\1", "\0", "\1", "\0", "\0", "\0"), "FORMERR rd ra bare"),
    ODD("name cut off", HEAD("\1", "\0", "\1", "\0", "\0", "\0") "\1a\5b", "FORMERR rd ra bare"),
    ODD("type cut off", HEAD("\1", "\0", "\1", "\0", "\0", "\0") "\1a\1b\0\0\1\0",
        "FORMERR rd ra bare"),
    ODD("pointer in the question", HEAD("\1", "\0", "\1", "\0", "\0", "\0") "\1a\xc0\x0c\0\1\0\1",
        "FORMERR rd ra bare"),
    ODD("label type 0x40",
        HEAD("\1", "\0", "\1", "\0", "\0", "\0") "\x41"
                                                 "a\0\0\1\0\1",
        "FORMERR rd ra bare"),
    ODD("label type 0x80",
        HEAD("\1", "\0", "\1", "\0", "\0", "\0") "\x81"
                                                 "a\0\0\1\0\1",
        "FORMERR rd ra bare"),
    ODD("octets behind it", HEAD("\1", "\0", "\1", "\0", "\0", "\0") QUESTION "\0",
        "FORMERR rd ra"),
    ODD("an answer that is not there", HEAD("\1", "\0", "\1", "\1", "\0", "\0") QUESTION,
        "FORMERR rd ra"),
    ODD("RDATA cut off",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION "\0\0\1\0\1\0\0\0\0\0\4\1\2\3",
        "FORMERR rd ra"),
    ODD("pointer forwards",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION "\xc0\xff\0\1\0\1\0\0\0\0\0\0",
        "FORMERR rd ra"),
    ODD("pointer to itself",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION "\xc0\x15\0\1\0\1\0\0\0\0\0\0",
        "FORMERR rd ra"),
    ODD("other records are let be",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") "\2db\4corp\7example\0\0\1\0\1"
                                                 "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4",
        "NOERROR aa rd ra | 7 A 10.20.1.18"),
    ODD("OPT behind another record",
        HEAD("\1", "\0", "\1", "\0", "\0", "\2") "\2db\4corp\7example\0\0\1\0\1"
                                                 "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4" OPT_HEAD
                                                 "\0\x80\0\0\0",
        "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232 do"),
    ODD("two OPT",
        HEAD("\1", "\0", "\1", "\0", "\0", "\2") QUESTION OPT_HEAD "\0\0\0\0\0" OPT_HEAD
                                                                   "\0\0\0\0\0",
        "FORMERR rd ra | opt 1232"),
    ODD("OPT of a name",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION "\1a\0\0\x29\x04\xd0\0\0\0\0\0\0",
        "FORMERR rd ra | opt 1232"),
    ODD("OPT in the answer section",
        HEAD("\1", "\0", "\1", "\1", "\0", "\0") QUESTION OPT_HEAD "\0\0\0\0\0",
        "FORMERR rd ra | opt 1232"),
    ODD("OPT with half an option",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION OPT_HEAD "\0\0\0\0\3\0\3\0",
        "FORMERR rd ra | opt 1232"),
    ODD("OPT with a long option",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION OPT_HEAD "\0\0\0\0\5\0\3\0\2\0",
        "FORMERR rd ra | opt 1232"),
    ODD("OPT with an unknown option and flags",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") "\2db\4corp\7example\0\0\1\0\1" OPT_HEAD
                                                 "\0\x40\1\0\5\xfe\xdc\0\1x",
        "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232"),
    ODD("cookie of 7",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION OPT_HEAD "\0\0\0\0\x0b\0\x0a\0\7"
                                                                   "1234567",
        "FORMERR rd ra | opt 1232"),
    ODD("cookie of 9",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION OPT_HEAD "\0\0\0\0\x0d\0\x0a\0\x09"
                                                                   "123456789",
        "FORMERR rd ra | opt 1232"),
    ODD("EDNS version 1",
        HEAD("\1", "\0", "\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x04\xd0\0\1\x80\0\0\0",
        "BADVERS rd ra | opt 1232 do"),
    ODD("Z and AD and CD",
        HEAD("\1", "\x70", "\1", "\0", "\0", "\0") "\2db\4corp\7example\0\0\1\0\1",
        "NOERROR aa rd ra cd | 7 A 10.20.1.18"),
};

static void odd_packets(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
        /* Behind a copy of the exact size the sanitizer watches. */
        uint8_t *copy = malloc(odd[i].size + 1);
        memcpy(copy, odd[i].bytes, odd[i].size);
        const char *said = fake_client_send(c, copy, odd[i].size, i % 2);
        if (strcmp(said, odd[i].answer) != 0)
            fail_msg("%s: says '%s', wanted '%s'", odd[i].what, said, odd[i].answer);
        free(copy);
    }
    fake_client_free(c);
}

/* Id, opcode and the question come back byte for byte, letter case too. */
static void the_question_comes_back(void **state)
{
    static const char *const questions[] = {
        "Db.CORP.example A edns",
        "B1.uSe1-AZ9." US " A",
        "notREADY.corp.example A",
        "www.EXAMPLE AXFR",
        "LocalHost A",
        "a.INVALID A",
        "verSION.bind TXT ch",
        "www.example A from=8.8.8.8",
    };
    struct fake_client *c = fake_client_new(environment, documents);
    static struct fake_message m;
    size_t size;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        fake_client_make(&m, questions[i]);
        assert_string_not_equal(fake_client_ask(c, questions[i]), "waiting");
        const uint8_t *reply = fake_client_reply(c, &size);
        size_t end = 12 + strcspn(questions[i], " ") + 2 + 4;
        assert_memory_equal(reply, m.bytes, 2);
        assert_memory_equal(reply + 12, m.bytes + 12, end - 12);
    }
    fake_client_free(c);
}

static void special_names(void **state)
{
    static const struct row rows[] = {
        {"localhost A", "NOERROR aa rd ra | 60 A 127.0.0.1"},
        {"LOCALHOST AAAA", "NOERROR aa rd ra | 60 AAAA ::1"},
        {"a.b.localhost A", "NOERROR aa rd ra | 60 A 127.0.0.1"},
        {"a.b.localhost MX", "NOERROR aa rd ra | auth localhost. 60 SOA 1 60"},
        {"localhost SOA", "NOERROR aa rd ra | 60 SOA 1 60"},
        {"1.0.0.127.in-addr.arpa PTR", "NOERROR aa rd ra | 60 PTR localhost."},
        {"1.0.0.127.in-addr.arpa A", "NOERROR aa rd ra | auth 127.in-addr.arpa. 60 SOA 1 60"},
        {"0.0.127.in-addr.arpa PTR", "NOERROR aa rd ra | auth 127.in-addr.arpa. 60 SOA 1 60"},
        {"127.in-addr.arpa NS", "NOERROR aa rd ra | auth 60 SOA 1 60"},
        {"2.0.0.127.in-addr.arpa PTR", "NXDOMAIN aa rd ra | auth 127.in-addr.arpa. 60 SOA 1 60"},
        {"x.1.0.0.127.in-addr.arpa PTR", "NXDOMAIN aa rd ra | auth 127.in-addr.arpa. 60 SOA 1 60"},
        {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa PTR",
         "NOERROR aa rd ra | 60 PTR localhost."},
        {"x.invalid A", "NXDOMAIN aa rd ra | auth invalid. 60 SOA 1 60"},
        {"abc.onion A", "NXDOMAIN aa rd ra | auth onion. 60 SOA 1 60"},
        {"resolver.arpa SOA", "NOERROR aa rd ra | 60 SOA 1 60"},
        {"_dns.resolver.arpa SVCB", "NOERROR aa rd ra | auth resolver.arpa. 60 SOA 1 60"},
        {"x._dns.resolver.arpa A", "NOERROR aa rd ra | auth resolver.arpa. 60 SOA 1 60"},
        {"xresolver.arpa A nord", "REFUSED ra"},
        {"invalid SOA", "NXDOMAIN aa rd ra | auth 60 SOA 1 60"},
        {"1.0.0.10.in-addr.arpa PTR nord", "REFUSED ra"},
        {"xlocalhost A nord", "REFUSED ra"},
        {"localhost.example A nord", "REFUSED ra"},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    CHECK(c, rows);
    fake_client_free(c);
}

static void diagnosis(void **state)
{
    static const struct row rows[] = {
        {"version.bind TXT ch", "NOERROR rd ra | 0 TXT \"pldns 0.1.0\""},
        {"VERSION.server TXT ch", "NOERROR rd ra | 0 TXT \"pldns 0.1.0\""},
        {"hostname.bind TXT ch", "NOERROR rd ra | 0 TXT \"ns-7\""},
        {"id.server TXT ch", "NOERROR rd ra | 0 TXT \"ns-7\""},
        {"id.server A ch", "NOERROR rd ra"},
        {"db.corp.example TXT ch",
         "NOERROR rd ra | 0 TXT \"owned rule=db.corp.example connection=plc-d state=usable "
         "addresses=10.20.1.18 document=doc.yaml:32 generation=1\""},
        {"b1.use1-az1." US " TXT ch",
         "NOERROR rd ra | 0 TXT \"owned rule=*.use1-az1." US
         " connection=plc-a zone=use1-az1 state=ACTIVE addresses=10.20.1.15,fd00::15 "
         "document=doc.yaml:10 generation=1\""},
        {"b1.use1-az9." US " TXT ch",
         "NOERROR rd ra | 0 TXT \"owned, no endpoint in its zone: NXDOMAIN\""},
        {"unique_name." US " TXT ch", ""},
        {"version.bind TXT ch edns from=10.0.0.1",
         "REFUSED rd ra | opt 1232 ede 18 not in diagnostics.clients"},
    };
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *said = fake_client_ask(c, rows[i].question);
        size_t length = strlen(rows[i].answer);
        /* Of explanations only the beginning is fixed. */
        if (strstr(said, "owned,") != NULL)
            length = (size_t)(strstr(rows[i].answer, "NXDOMAIN") - rows[i].answer);
        if (strncmp(said, rows[i].answer, length) != 0)
            fail_msg("%s:\n  says   '%s',\n  wanted '%s'", rows[i].question, said, rows[i].answer);
    }
    assert_non_null(strstr(fake_client_ask(c, "generation.pldns TXT ch"), "generation=1 hash="));
    assert_non_null(strstr(fake_client_ask(c, "b1.unique_name.example TXT ch"),
                           "placeholder never replaced in advertised.listeners"));
    assert_non_null(strstr(fake_client_ask(c, "www.example TXT ch"), "\"forwarded upstreams="));
    fake_client_free(c);
}

static void identity_can_be_hidden(void **state)
{
    static char *const hidden[] = {(char *)"PLDNS_IDENTITY=hidden", NULL};
    static const struct row rows[] = {
        {"version.bind TXT ch", "REFUSED rd ra"},
        {"hostname.bind TXT ch", "REFUSED rd ra"},
        {"db.corp.example A nsid", "NOERROR aa rd ra | 7 A 10.20.1.18 | opt 1232"},
    };
    struct fake_client *c = fake_client_new(hidden, documents);

    (void)state;
    CHECK(c, rows);
    fake_client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_names),
        cmocka_unit_test(addresses_rotate),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(is_it_a_query),
        cmocka_unit_test(strangers_may_get_silence),
        cmocka_unit_test(odd_packets),
        cmocka_unit_test(the_question_comes_back),
        cmocka_unit_test(special_names),
        cmocka_unit_test(diagnosis),
        cmocka_unit_test(identity_can_be_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
