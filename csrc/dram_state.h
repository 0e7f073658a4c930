/* The banks of a DRAM channel: open rows, and from which cycle on each command is allowed. */
#ifndef NC_DRAM_STATE_H
#define NC_DRAM_STATE_H

#include "dram.h"

typedef enum { NC_DRAM_ACTIVATE, NC_DRAM_PRECHARGE, NC_DRAM_READ, NC_DRAM_WRITE, NC_DRAM_COMMANDS } nc_dram_command;

/* First cycle in which each command is allowed, as far as one bank, group or rank is concerned. */
typedef struct {
    int64_t at[NC_DRAM_COMMANDS];
} nc_dram_times;

typedef struct {
    nc_dram_times from;
    int32_t row;      /* open row, or -1 */
    int32_t row_hits; /* column commands since it was opened */
} nc_dram_bank;

typedef struct {
    nc_dram_times from;
    int64_t refresh; /* first cycle in which it may be refreshed, all rows closed */
    int64_t active_since;
    int32_t open_rows, oldest; /* oldest: place in the rank's ring of activates */
} nc_dram_rank;

typedef struct {
    const nc_dram *config;
    nc_dram_bank *bank;
    nc_dram_times *group;
    nc_dram_rank *rank;
    int64_t *ring; /* per rank: when its last window_activates activates were */
    int32_t *group_of, *rank_of; /* per bank */
    nc_dram_counts counts;
} nc_dram_state;

uint64_t nc_dram_state_bytes(const nc_dram *d);

/* All rows closed, everything allowed. memory: nc_dram_state_bytes, aligned to 8. */
void nc_dram_reset(const nc_dram *d, void *memory, nc_dram_state *s);

/* The command must be allowed. row: of an activate. */
void nc_dram_issue(nc_dram_state *s, int32_t bank, nc_dram_command command, int32_t row, int64_t now);
void nc_dram_refresh(nc_dram_state *s, int32_t rank, int64_t now);

/* Closes the account of cycles. */
void nc_dram_finish(nc_dram_state *s, int64_t cycles);

/* The first cycle in which the bank may take the command. */
static inline int64_t nc_dram_earliest(const nc_dram_state *s, int32_t bank, nc_dram_command command) {
    const int64_t b = s->bank[bank].from.at[command], g = s->group[s->group_of[bank]].at[command];
    const int64_t r = s->rank[s->rank_of[bank]].from.at[command], bg = b > g ? b : g;
    return bg > r ? bg : r;
}

static inline int nc_dram_is_column(nc_dram_command command) { return command >= NC_DRAM_READ; }

#endif
