/* pldnsd: what the command line says. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "build.h"
#include "descriptors.h"
#include "server.h"

enum { OPTION_LISTEN = 256, OPTION_ATTACHMENTS, OPTION_UPSTREAM, OPTION_CHECK, OPTION_VERSION };

static const char usage[] =
    "usage: pldnsd [-c FILE] [--listen ADDR]... [--attachments DIR] [--upstream ADDR]... "
    "[--check]\n"
    "       pldnsd --version | --help\n"
    "\n"
    "  -c, --config FILE   read the configuration; see pldns.yaml(5)\n"
    "      --listen ADDR   serve here, as in 127.0.0.1:53; may be given several times\n"
    "      --attachments DIR   the documents; see pldns-attachments(5)\n"
    "      --upstream ADDR   forward to this resolver; may be given several times\n"
    "      --check         check the configuration and the documents, and exit\n"
    "      --version       print the version\n"
    "  -h, --help          print this\n"
    "\n"
    "Exit status: 0 ended by a signal, or nothing is wrong; 2 the command line, the "
    "configuration,\n"
    "a document or an address was refused.  Every key of the configuration is an environment\n"
    "variable too: forward.timeout is PLDNS_FORWARD_TIMEOUT.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"attachments", required_argument, NULL, OPTION_ATTACHMENTS},
    {"upstream", required_argument, NULL, OPTION_UPSTREAM},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int misused(void)
{
    fputs("pldnsd: 'pldnsd --help' lists the options\n", stderr);
    return SERVER_REFUSED;
}

static int print(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        perror("pldnsd: standard output");
        return SERVER_REFUSED;
    }
    return SERVER_FINE;
}

struct command {
    struct config_flags flags;
    const char **listen, **upstreams; /* each has room for all arguments */
    bool check;
};

/* -1: go on and run; else the exit status. */
static int read_options(struct command *command, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            command->flags.file = optarg;
            break;
        case OPTION_LISTEN:
            command->listen[command->flags.listen_length++] = optarg;
            break;
        case OPTION_ATTACHMENTS:
            command->flags.attachments = optarg;
            break;
        case OPTION_UPSTREAM:
            command->upstreams[command->flags.upstreams_length++] = optarg;
            break;
        case OPTION_CHECK:
            command->check = true;
            break;
        case OPTION_VERSION:
            return print("pldnsd " PLDNS_VERSION "\n");
        case 'h':
            return print(usage);
        default:
            return misused();
        }
    }
    if (optind < argc) {
        fprintf(stderr, "pldnsd: no argument is wanted, there is '%s'\n", argv[optind]);
        return misused();
    }
    return -1;
}

/* As long as the server has not come to it: a start has nothing to end in order. */
static void end_at_once(int signal)
{
    (void)signal;
    _exit(SERVER_FINE);
}

static int serve(const struct config_flags *flags)
{
    /* The first process of a container is sent no signal that it does not catch. */
    (void)signal(SIGTERM, end_at_once);
    (void)signal(SIGINT, end_at_once);
    return (int)server_run(flags, environ);
}

int main(int argc, char **argv)
{
    struct command command = {.listen = alloc_array((size_t)argc, sizeof(char *)),
                              .upstreams = alloc_array((size_t)argc, sizeof(char *))};

    descriptors_occupy();
    command.flags.listen = command.listen;
    command.flags.upstreams = command.upstreams;
    int status = read_options(&command, argc, argv);
    if (status < 0)
        status = command.check ? (int)server_check(&command.flags, environ) : serve(&command.flags);
    free(command.listen);
    free(command.upstreams);
    return status;
}
