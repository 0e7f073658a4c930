/* A hypergraph with groups of vertices drawn together into one each. */
#ifndef NC_PARTITION_CONTRACT_H
#define NC_PARTITION_CONTRACT_H

#include "partition.h"

typedef struct {
    int32_t vertices; /* groups */
    int32_t nets;
    int64_t *pin_ptr; /* nets before + 1 */
    int32_t *pin;     /* pins before */
    int32_t *source;  /* nets before; so are memory, amount and traffic */
    uint8_t *memory;
    int64_t *amount, *traffic;
    int64_t *weight;     /* vertices x NC_COLUMNS */
    int32_t *mark;       /* vertices: work area */
    int32_t *table;      /* table_mask + 1: work area */
    uint64_t table_mask; /* a power of two less one, greater than the nets before */
} nc_contraction;

/* label (vertices before): group of each vertex, also of inputs. Nets with the same sender, kind and listeners become
 * one, with the sums of amount and traffic; nets without pins vanish. fold: what nets within one group demand becomes
 * the weight of the group, and these nets vanish too, so that the demands of any parts stay what they were. */
void nc_hyper_contract(const nc_hyper *h, const int32_t *label, int fold, nc_contraction *out);

#endif
