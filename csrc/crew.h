/* Threads that compute one sample together and wait for each other after every population. */
#ifndef NC_CREW_H
#define NC_CREW_H

#include <stdatomic.h>
#include <stdint.h>
#ifdef _WIN32
#include <windows.h>
#define nc_yield() SwitchToThread()
#else
#include <sched.h>
#define nc_yield() sched_yield()
#endif

typedef struct {
    int32_t parts;
    atomic_int arrived, round;
    atomic_int failed; /* nobody waits any longer; everybody leaves before the next population */
} nc_crew;

static inline void nc_crew_start(nc_crew *crew, int32_t parts) {
    crew->parts = parts;
    atomic_init(&crew->arrived, 0);
    atomic_init(&crew->round, 0);
    atomic_init(&crew->failed, 0);
}

/* Returns once all parts have called it as often as the caller. What they wrote before is visible behind it. */
static inline void nc_crew_wait(nc_crew *crew) {
    if (crew->parts == 1)
        return;
    const int round = atomic_load(&crew->round);
    if (atomic_fetch_add(&crew->arrived, 1) == crew->parts - 1) {
        atomic_store(&crew->arrived, 0);
        atomic_fetch_add(&crew->round, 1);
        return;
    }
    for (int tries = 0; atomic_load(&crew->round) == round && !atomic_load(&crew->failed); tries++)
        if (tries > 4000)
            nc_yield();
}

#endif
