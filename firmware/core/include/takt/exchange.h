/* Hands the newest value from one thread to another without either ever waiting: takt_exchange_t.
 *
 * Three slots of the owner's choosing: the writer fills one, the reader uses one, the third is in between;
 * publishing and taking swap an index with it. Old values are overwritten, never queued. One writer, one
 * reader. */
#ifndef TAKT_EXCHANGE_H
#define TAKT_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>

#define TAKT_EXCHANGE_SLOTS 3u

typedef struct {
    _Atomic unsigned between; /* slot index, plus TAKT_EXCHANGE_FRESH while not yet taken */
    unsigned writing;         /* the writer's slot */
    unsigned reading;         /* the reader's slot */
} takt_exchange_t;

#define TAKT_EXCHANGE_FRESH 4u

static inline void takt_exchange_init(takt_exchange_t *exchange)
{
    exchange->writing = 0;
    exchange->reading = 1;
    atomic_init(&exchange->between, 2u);
}

/* Writer: slot `writing` is complete; afterwards `writing` is another slot with old content. */
static inline void takt_exchange_publish(takt_exchange_t *exchange)
{
    const unsigned fresh = exchange->writing | TAKT_EXCHANGE_FRESH;
    exchange->writing =
        atomic_exchange_explicit(&exchange->between, fresh, memory_order_acq_rel) & ~TAKT_EXCHANGE_FRESH;
}

/* Reader: makes slot `reading` the newest one published. False: nothing new, `reading` is as before. */
static inline bool takt_exchange_take(takt_exchange_t *exchange)
{
    if ((atomic_load_explicit(&exchange->between, memory_order_relaxed) & TAKT_EXCHANGE_FRESH) == 0) {
        return false;
    }
    exchange->reading =
        atomic_exchange_explicit(&exchange->between, exchange->reading, memory_order_acq_rel) &
        ~TAKT_EXCHANGE_FRESH;
    return true;
}

#endif
