#include "lore.h"

#include <pthread.h>
#include <stdlib.h>

#include "alloc.h"

struct pair {
    struct targets *targets;
    struct health *health;
};

struct lore {
    struct pair used;
    pthread_mutex_t lock; /* of what follows */
    bool waits;
    struct pair next;
};

static void forget(struct pair *pair)
{
    targets_free(pair->targets);
    health_free(pair->health);
}

struct lore *lore_new(void)
{
    struct lore *lore = alloc_array(1, sizeof *lore);

    pthread_mutex_init(&lore->lock, NULL);
    return lore;
}

void lore_free(struct lore *lore)
{
    if (lore == NULL)
        return;
    forget(&lore->used);
    forget(&lore->next);
    pthread_mutex_destroy(&lore->lock);
    free(lore);
}

void lore_put(struct lore *lore, struct targets *targets, struct health *health)
{
    pthread_mutex_lock(&lore->lock);
    struct pair before = lore->next;
    lore->next = (struct pair){targets, health};
    lore->waits = true;
    pthread_mutex_unlock(&lore->lock);
    forget(&before);
}

bool lore_waits(struct lore *lore)
{
    pthread_mutex_lock(&lore->lock);
    bool waits = lore->waits;
    pthread_mutex_unlock(&lore->lock);
    return waits;
}

bool lore_take(struct lore *lore, struct targets **before_targets, struct health **before_health)
{
    pthread_mutex_lock(&lore->lock);
    bool waits = lore->waits;
    struct pair next = lore->next;
    lore->next = (struct pair){0};
    lore->waits = false;
    pthread_mutex_unlock(&lore->lock);
    if (!waits)
        return false;
    *before_targets = lore->used.targets;
    *before_health = lore->used.health;
    lore->used = next;
    return true;
}

const struct targets *lore_targets(const struct lore *lore)
{
    return lore->used.targets;
}

const struct health *lore_health(const struct lore *lore)
{
    return lore->used.health;
}
