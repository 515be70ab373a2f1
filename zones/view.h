/* Views: which clients see which clusters' connections.
 *
 * A view is a name, networks and cluster ids.  A client is in the view whose network has the
 * longest prefix around its address, or in none; a connection is in every view that selects its
 * cluster, or in none.  Views are numbered from 1 in the order in which they were added; number 0,
 * "no view", stands for the clients and the connections that are in none.  A client sees the
 * connections of its own number and nothing of the others'.
 *
 * Filled once, then only read, by any number of threads.  Every view_… that reads takes NULL for
 * "there are no views". */
#ifndef PLDNS_VIEW_H
#define PLDNS_VIEW_H

#include "digest.h"
#include "netblock.h"

#define VIEW_NONE         0
#define VIEW_MAX          1024
#define VIEW_NAME_MAX     63 /* characters: letters, digits, '-', '_' and '.' */
#define VIEW_CLUSTER_MAX  128
#define VIEW_NETWORKS_MAX 4096  /* of all views together */
#define VIEW_CLUSTERS_MAX 16384 /* of all views together */

/* A network of a view. */
struct view_network {
    struct netblock block;
    uint16_t view;
};

/* Networks of one prefix length. */
struct view_run {
    size_t at, end; /* in 'networks' */
};

struct view_list {
    char **names;                  /* of number 1, 2, … */
    struct view_network *networks; /* longest prefix first, then by address */
    struct view_run *runs;         /* of 'networks', one per prefix length */
    char **clusters;     /* sorted; one that several views select comes several times … */
    uint16_t *selecting; /* … and this is by whom */
    size_t length, networks_length, runs_length, clusters_length;
};

#define VIEW_WHY 256 /* bytes of a reason */

/* The number of the view of this name, which is made if it is new.  0: 'why' (VIEW_WHY bytes) says
 * what is wrong with the name. */
MUST_USE unsigned view_add(struct view_list *, const char *name, char *why);

/* Adds networks (see netblock.h for the words) or a cluster id to the view of this number.  False:
 * 'why' (VIEW_WHY bytes); a network belongs to one view only. */
MUST_USE bool view_add_clients(struct view_list *, unsigned view, const char *text, char *why);
MUST_USE bool view_add_cluster(struct view_list *, unsigned view, const char *id, char *why);

void view_clear(struct view_list *);

/* How many numbers there are: one more than views. */
size_t view_count(const struct view_list *);

/* The name of a number, "" for 0; and the number of a name, 0 if there is none. */
const char *view_name(const struct view_list *, unsigned view);
unsigned view_find(const struct view_list *, const char *name);

/* The view that a client is in. */
unsigned view_of_client(const struct view_list *, const struct sockaddr *);

/* What all of the views say: who is in which, and which sees what. */
void view_sum(const struct view_list *, struct digest *);

/* The views that connections of this cluster are in: at least one, which may be 0. */
size_t view_of_cluster(const struct view_list *, const char *id, const uint16_t **out);

#endif
