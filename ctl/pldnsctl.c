/* pldnsctl: asks and steers pldnsd, and checks its documents without it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "attach.h"
#include "check.h"
#include "control.h"
#include "create.h"
#include "differ.h"
#include "help.h"
#include "import.h"
#include "listing.h"
#include "lookup.h"
#include "offline.h"
#include "status.h"

#define LINE_SIZE 2048

static const struct command commands[] = {
    {"status", "", "what is served, refused and asked for",
     "Prints what pldnsd serves: generation, documents with their state, counters.\n"
     "Exit 1 if a document is refused, the documents cannot be read, or pldnsd is not\n"
     "ready.",
     0, 0, OPTIONS_DAEMON, status_show},
    {"check", "[FILE|DIR…]", "would pldnsd take these documents?",
     "Reads documents as pldnsd does from a cold start, and prints every complaint\n"
     "with its place.  All are judged together: two documents that attach one name\n"
     "conflict.  A directory stands for its *.yaml, *.yml and *.json files, '-' for\n"
     "standard input; without argument the directory of --attachments is checked.\n"
     "Needs no daemon.  Exit 2 if a document would be refused.",
     0, -1, OPTIONS_FOLDER | OPTIONS_STRICT, check_documents},
    {"explain", "NAME [TYPE]", "what a query for NAME gets, and why",
     "Shows what pldnsd answers to a query of TYPE (default A): the rule, its\n"
     "connection, zone, state, addresses, and the line of the document; for a name\n"
     "that is not owned the near miss.  With --attachments the documents of that\n"
     "directory are asked instead of the daemon (exit 2 if one of them is refused; the\n"
     "others are asked all the same).  With --owned exit 1 unless the name is owned.",
     1, 2, OPTIONS_DAEMON | OPTIONS_FOLDER | OPTIONS_OWNED | OPTIONS_CLIENT, lookup_explain},
    {"reload", "", "read the documents again, and say how it went",
     "Asks pldnsd to look at its documents now and waits until the result is served.\n"
     "Prints the generation, how many names were added, moved and removed, and which\n"
     "documents are refused and why.  Exit 1 if any is refused: its last accepted\n"
     "version stays in service.",
     0, 0, OPTIONS_DAEMON, control_reload},
    {"wait", "", "wait until something is served",
     "Waits until pldnsd serves a generation (--generation), the newest version of a\n"
     "document (--document) or a name (--name); without any of them until it is\n"
     "ready.  A daemon that does not run yet is waited for, too.  Waits 30 s unless\n"
     "--timeout says otherwise, then exits 4 (3 if pldnsd could never be asked).\n"
     "Exit 1 at once if the document is refused.",
     0, 0, OPTIONS_DAEMON | OPTIONS_GENERATION | OPTIONS_DOCUMENT | OPTIONS_NAME, control_wait},
    {"flush", "NAME", "forget cached answers for NAME",
     "Drops what the cache holds for NAME, with --subtree also for all names below.\n"
     "Attached names are not cached; attaching one needs no flush.",
     1, 1, OPTIONS_DAEMON | OPTIONS_SUBTREE, control_flush},
    {"list", "", "the connections of the documents",
     "Lists the private link connections of all documents.  With -o json or -o yaml as\n"
     "the public API's List, with all that the documents hold.  Exit 2 if a document\n"
     "would be refused; the others are listed all the same.",
     0, 0, OPTIONS_FOLDER | OPTIONS_CLUSTER, listing_list},
    {"get", "[ID]", "one connection, with its endpoints and attached domains",
     "Shows a connection.  With -o json or -o yaml as the public API's Get; domains\n"
     "that the document does not write out are filled in.",
     0, 1, OPTIONS_FOLDER | OPTIONS_CLUSTER | OPTIONS_ID, listing_get},
    {"describe", "[ID]", "the same as get", "See 'pldnsctl help get'.", 0, 1,
     OPTIONS_FOLDER | OPTIONS_CLUSTER | OPTIONS_ID, listing_get},
    {"zones", "", "the zones, and the endpoints in each",
     "Lists the availability zone ids of all connections with their endpoints; a zone\n"
     "that an endpoint service has and no endpoint is in is marked.",
     0, 0, OPTIONS_FOLDER | OPTIONS_CLUSTER, listing_zones},
    {"create", "[ID]", "a new connection, in a document of its own",
     "Writes a document ID.yaml (or .json) from the options, from a document (--file),\n"
     "or from both: what ticloud prints needs only endpoints.  Without ID one is made.\n"
     "Waits until a running pldnsd serves it, unless --no-wait is given.",
     0, 1,
     OPTIONS_WRITER | OPTIONS_ID | OPTIONS_DISPLAY_NAME | OPTIONS_TYPE | OPTIONS_AWS_NAME |
         OPTIONS_AWS_REGION | OPTIONS_ALICLOUD_NAME | OPTIONS_ENDPOINT | OPTIONS_ENDPOINT_DNS |
         OPTIONS_FILE | OPTIONS_DRY_RUN,
     create_connection},
    {"delete", "[ID]", "take a connection out",
     "Takes the connection out of its document, and the document away if that was all\n"
     "it held.  Asks for the id to be typed; where nobody can be asked, --force is\n"
     "wanted.",
     0, 1, OPTIONS_WRITER | OPTIONS_ID | OPTIONS_FORCE, create_delete},
    {"attach-domains", "[ID]", "attach domains to a connection",
     "Adds an attached domain of --type TIDBCLOUD_MANAGED, TIDBCLOUD_DEDICATED or\n"
     "CONFLUENT (with --unique-name) or CUSTOM (with --domain NAME, once for each).\n"
     "With --dry-run only shows the domains; for TIDBCLOUD_MANAGED without unique name\n"
     "it makes one, to be given back with --unique-name.  Refused, with both places,\n"
     "if the names are attached already.",
     0, 1,
     OPTIONS_WRITER | OPTIONS_ID | OPTIONS_TYPE | OPTIONS_UNIQUE_NAME | OPTIONS_DOMAIN |
         OPTIONS_REGION | OPTIONS_CLOUD | OPTIONS_PROJECT | OPTIONS_DRY_RUN,
     attach_domains},
    {"detach-domains", "[ID]", "detach domains from a connection",
     "Takes out the attached domain with this --attach-domain-id, which 'pldnsctl get'\n"
     "shows, or with this --unique-name.",
     0, 1,
     OPTIONS_WRITER | OPTIONS_ID | OPTIONS_ATTACH_DOMAIN | OPTIONS_UNIQUE_NAME | OPTIONS_DRY_RUN,
     attach_detach},
    {"diff", "OLD NEW", "which names two sets of documents answer otherwise",
     "Compares two directories or files: names that become public (detached), become\n"
     "private (attached), or are answered otherwise, with old and new addresses.  Exit\n"
     "0 if there are none, 1 if there are, 2 if a document would be refused.",
     2, 2, OPTIONS_CONFIG, differ_show},
    {"import", "[FILE…]", "make documents of what the API and the aws command print",
     "Takes what 'ticloud serverless private-link-connection get' or 'list -o json'\n"
     "prints, and 'aws ec2 describe-vpc-endpoints', beside it describe-network-\n"
     "interfaces, describe-subnets and describe-availability-zones, from files or\n"
     "standard input.  Connections that are there are changed where they stand, others\n"
     "get documents of their own.  Attached domains that are not told stay.  VPC\n"
     "endpoints fill the endpoints of the connection with their id, or of --id.  With\n"
     "--dry-run shows what would change, names too.",
     0, -1, OPTIONS_WRITER | OPTIONS_ID | OPTIONS_ZONE_ID | OPTIONS_DRY_RUN, import_documents},
    {"version", "", "print the version", "Prints the version of pldnsctl.", 0, 0, 0, help_version},
    {"help", "[COMMAND]", "explain a command",
     "Lists the commands, or explains one.  With -o json or -o yaml the commands and\n"
     "their options are printed for programs.",
     0, 1, 0, help_show},
    {0},
};

/* The first option given that the command does not take, or NULL. */
static const struct options_row *misplaced(const struct command *command,
                                           const struct options *options)
{
    size_t length;
    const struct options_row *rows = options_table(&length);

    for (size_t i = 0; i < length; i++) {
        if ((options->given & rows[i].bit & ~(command->options | OPTIONS_EVERYWHERE)) != 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool fits(const struct command_call *call)
{
    const struct command *c = call->command;
    const struct options_row *row = misplaced(c, call->options);

    if (row != NULL) {
        output_error(&call->output, "'%s' takes no --%s; see 'pldnsctl help %s'", c->name,
                     row->name, c->name);
        return false;
    }
    if (call->length < c->least || (c->most >= 0 && call->length > c->most)) {
        output_error(&call->output, "usage: pldnsctl %s%s%s", c->name,
                     *c->arguments == '\0' ? "" : " ", c->arguments);
        return false;
    }
    return true;
}

static const struct command *row_of(command_fn *run)
{
    const struct command *c = commands;

    while (c->run != run) {
        c++;
    }
    return c;
}

static enum exitcode run_with_views(struct command_call *call)
{
    struct error_list errors = {0};
    struct view_list views = {0};
    enum exitcode code = EXITCODE_WRONG;

    if ((call->options->given & OPTIONS_CONFIG) == 0) {
        return call->command->run(call);
    }
    offline_views(call->options->config, &views, &errors);
    for (size_t i = 0; i < errors.length; i++) {
        char line[LINE_SIZE];
        output_error(&call->output, "%s", error_format(&errors.items[i], line, sizeof(line)));
    }
    if (errors.errors == 0) {
        struct command_call seeing = *call;
        seeing.views = &views;
        code = call->command->run(&seeing);
    }
    view_clear(&views);
    error_clear(&errors);
    return code;
}

/* --help and --version go before everything else; "pldnsctl reload --help" explains reload. */
static enum exitcode run(struct command_call *call)
{
    uint64_t given = call->options->given;

    if ((given & OPTIONS_VERSION) != 0) {
        call->command = row_of(help_version);
        return help_version(call);
    }
    if ((given & OPTIONS_HELP) != 0) {
        call->command = row_of(help_show);
        call->length = call->length > 0 ? 1 : 0;
        return help_show(call);
    }
    if (call->length == 0) {
        output_error(&call->output, "which command? 'pldnsctl help' lists them");
        return EXITCODE_WRONG;
    }
    call->command = help_find(&call->output, commands, call->words[0]);
    call->words++;
    call->length--;
    if (call->command == NULL || !fits(call)) {
        return EXITCODE_WRONG;
    }
    return run_with_views(call);
}

int main(int argc, char **argv)
{
    struct options options;
    char **words = alloc_array((size_t)argc + 1, sizeof(*words));
    struct command_call call = {.table = commands, .options = &options, .words = words};
    char why[512];
    enum exitcode code = EXITCODE_WRONG;

    bool read = options_read(argc, argv, &options, words, &call.length, why, sizeof(why));
    call.output = output_choose(&options);
    if (read) {
        code = run(&call);
    } else {
        output_error(&call.output, "%s", why);
    }
    free(words);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        output_error(&call.output, "writing the output: %s", strerror(errno));
        return EXITCODE_WRONG;
    }
    return (int)code;
}
