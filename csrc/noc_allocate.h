/* Who gets an output VC, and who gets through the switch: separable allocation, iSLIP with one iteration (McKeown,
 * IEEE/ACM ToN 1999). Every free resource offers itself to one that asks, round robin; whoever has offers takes one,
 * round robin; pointers move only where an offer is taken. Included by noc.c only. */
#ifndef NC_NOC_ALLOCATE_H
#define NC_NOC_ALLOCATE_H

#include "noc_move.h"

typedef struct {
    int32_t count;
    uint8_t cell[64], output[64], vc[64];
} noc_matches;

/* Offers of the free VCs of one output: bit `output VC` of offers[cell]. */
NOC_INLINE void offer_vcs(noc_run *run, int32_t router, int32_t output, uint64_t *offers, uint64_t *offered, int vcs) {
    const int32_t out = router * run->ports + output;
    const uint64_t low = run->waits[2 * out], high = run->waits[2 * out + 1];
    const uint32_t low_range = range_of(run, output, 0), high_range = range_of(run, output, 1);
    for (uint32_t free = run->vc_free[out]; free != 0; free &= free - 1) {
        const int vc = lowest_bit(free);
        const uint64_t ask = (low_range >> vc & 1 ? low : 0) | (high_range >> vc & 1 ? high : 0);
        if (ask == 0)
            continue;
        const int32_t output_vc = output * vcs + vc;
        const int cell = first_from(ask, run->vc_grant[router * run->cells + output_vc]);
        const uint64_t bit = (uint64_t)1 << cell;
        offers[cell] = (*offered & bit ? offers[cell] : 0) | (uint64_t)1 << output_vc;
        *offered |= bit;
    }
}

NOC_INLINE void allocate_vcs(noc_run *run, int32_t router, noc_matches *matches, int vcs) {
    uint64_t offers[64], offered = 0;
    for (uint64_t ports = run->wait_ports[router]; ports != 0; ports &= ports - 1)
        offer_vcs(run, router, lowest_bit(ports), offers, &offered, vcs);
    matches->count = 0;
    for (; offered != 0; offered &= offered - 1) {
        const int cell = lowest_bit(offered);
        const int taken = first_from(offers[cell], run->vc_accept[router * run->cells + cell]);
        run->vc_accept[router * run->cells + cell] = (uint8_t)(taken + 1 == run->cells ? 0 : taken + 1);
        run->vc_grant[router * run->cells + taken] = (uint8_t)(cell + 1 == run->cells ? 0 : cell + 1);
        matches->cell[matches->count] = (uint8_t)cell;
        matches->output[matches->count] = (uint8_t)(taken / vcs);
        matches->vc[matches->count++] = (uint8_t)(taken % vcs);
    }
}

/* The cells that have a VC now may bid for the switch from the next cycle on (speculation: have just done so). */
NOC_INLINE void give_vcs(noc_run *run, int32_t router, const noc_matches *matches) {
    for (int32_t k = 0; k < matches->count; k++) {
        const int32_t cell = matches->cell[k], output = matches->output[k], at = router * run->cells + cell;
        const uint8_t vc = matches->vc[k];
        const int32_t output_vc = router * run->cells + output * run->vcs + vc;
        clear_wait(run, router, output, cell);
        run->vc_free[router * run->ports + output] &= ~((uint32_t)1 << vc);
        run->owner[output_vc] = (uint8_t)cell;
        if (run->state[at] == TREE)
            run->branch_vc[at * run->ports + output] = vc;
        else
            run->vc[at] = vc;
        if (run->credits[output_vc] > 0) /* the head is there: it has asked */
            set_bid(run, router, output, cell);
    }
}

/* Cells that bid on the chance of getting a VC in this very cycle: some VC they may use is free and has a credit. */
NOC_INLINE uint64_t hopeful(const noc_run *run, int32_t router, int32_t output) {
    const int32_t out = router * run->ports + output;
    const uint32_t usable = run->vc_free[out] & run->vc_credit[out];
    return (usable & range_of(run, output, 0) ? run->hopes[2 * out] : 0) |
           (usable & range_of(run, output, 1) ? run->hopes[2 * out + 1] : 0);
}

NOC_INLINE void allocate_switch(noc_run *run, int32_t router, noc_matches *matches, int vcs, int speculative) {
    uint64_t offers[64], offered = 0, hopes[64];
    const int size = vcs == 1 ? 1 : run->group_size;
    const uint64_t group_mask = ((uint64_t)2 << (size - 1)) - 1;
    const uint64_t outputs = run->bid_ports[router] | (speculative ? run->wait_ports[router] : 0);
    for (uint64_t ports = outputs & ~run->closed[router]; ports != 0; ports &= ports - 1) {
        const int output = lowest_bit(ports);
        hopes[output] = speculative ? hopeful(run, router, output) : 0;
        const uint64_t asking = run->bids[router * run->ports + output] | hopes[output];
        if (asking == 0)
            continue;
        const int bit = first_from(asking, run->switch_grant[router * run->ports + output]);
        const int group = vcs == 1 ? bit : run->group_of[bit];
        offers[group] = (offered >> group & 1 ? offers[group] : 0) | (uint64_t)1 << output;
        offered |= (uint64_t)1 << group;
    }
    matches->count = 0;
    for (; offered != 0; offered &= offered - 1) {
        const int group = lowest_bit(offered);
        uint8_t *const accept = &run->switch_accept[router * run->groups + group];
        uint8_t *const next = &run->group_next[router * run->groups + group];
        const int output = first_from(offers[group], *accept);
        const uint64_t sure = run->bids[router * run->ports + output] >> group * size & group_mask;
        const uint64_t chance = hopes[output] >> group * size & group_mask;
        const int member = first_from(sure != 0 ? sure : chance, *next);
        const int bit = group * size + member;
        *accept = (uint8_t)(output + 1 == run->ports ? 0 : output + 1);
        *next = vcs == 1 ? 0 : run->next_in_group[bit];
        run->switch_grant[router * run->ports + output] = (uint8_t)(group + 1 == run->groups ? 0 : (group + 1) * size);
        matches->cell[matches->count] = vcs == 1 ? (uint8_t)bit : run->natural[bit];
        matches->output[matches->count++] = (uint8_t)output;
    }
}

/* Whether a router has anything to do in the next cycle; if not, an event will wake it. */
NOC_INLINE int has_work(const noc_run *run, int32_t router) {
    if (run->bid_ports[router] & ~run->closed[router])
        return 1;
    for (uint64_t ports = run->wait_ports[router]; ports != 0; ports &= ports - 1) {
        const int output = lowest_bit(ports);
        const int32_t out = router * run->ports + output;
        if ((run->waits[2 * out] && (run->vc_free[out] & range_of(run, output, 0))) ||
            (run->waits[2 * out + 1] && (run->vc_free[out] & range_of(run, output, 1))))
            return 1;
    }
    return 0;
}

/* One cycle of one router. Both allocations see the state at its beginning. */
NOC_INLINE void step_router(noc_run *run, int32_t router, int32_t pipeline, int vcs, int speculative) {
    noc_matches switched, given;
    allocate_switch(run, router, &switched, vcs, speculative);
    given.count = 0;
    if (run->wait_ports[router] != 0) {
        allocate_vcs(run, router, &given, vcs);
        give_vcs(run, router, &given);
    }
    for (int32_t k = 0; k < switched.count; k++)
        pass_flit(run, router, switched.cell[k], switched.output[k], pipeline);
}

#endif
