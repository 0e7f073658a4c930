/* The network on chip by reservation: packets take links in the order in which their heads get there, buffers are
 * infinite. Cheap (one step per packet and hop) and right where buffers do not fill: with several VCs, or small
 * bursts. A link that a packet of F flits takes at time t is free again at t + packet + flit * F cycles.
 */
#ifndef NC_NOC_EVENT_H
#define NC_NOC_EVENT_H

#include "noc.h"

enum { NC_NOC_FRACTION = 1024 }; /* times are in 1 / NC_NOC_FRACTION cycles */

typedef struct {
    int64_t packet, eject_packet; /* time that a packet takes on a link, into a core, whatever its length */
    int64_t inject_flit, eject_flit;
    const int64_t *link_flit; /* per link: time per flit */
} nc_noc_service;

uint64_t nc_noc_event_workspace(const nc_noc *net, int64_t packets, int64_t deliveries);

/* As nc_noc_run for a burst that passes nc_noc_check_burst; port_wait receives the waits for the links behind each
 * input, in cycles. The workspace needs no preparation. */
nc_status nc_noc_event_run(const nc_noc *net, void *workspace, const nc_noc_service *service, const nc_noc_burst *burst,
                           nc_noc_result *result);

#endif
