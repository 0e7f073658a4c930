/* Where the requests to a DRAM channel wait: the controller in front of the banks, as described in dram.h. */
#ifndef NC_DRAM_QUEUE_H
#define NC_DRAM_QUEUE_H

#include "dram_state.h"

#define NC_DRAM_NEVER INT64_MAX

/* A request in the queue of its bank. */
typedef struct {
    int64_t id;
    int32_t row;
    uint8_t write;
} nc_dram_waiting;

/* What a bank's queue asks for: the place of the entry that each command would serve, or -1. */
typedef struct {
    int16_t place[NC_DRAM_COMMANDS];
    int32_t only; /* the command, where it asks for a single one; -1 for several or none */
} nc_dram_wishes;

typedef struct {
    nc_dram_state s;
    const nc_dram *d;
    const nc_dram_requests *requests;
    int64_t *accepted, *done;
    int64_t *ready;         /* per bank: no command before; NC_DRAM_NEVER if its queue is empty */
    uint64_t *maybe;        /* words of 64 banks: those whose `ready` may have come */
    uint64_t *wheel;        /* the same for each of the 64 cycles after `looked`: those to look at then */
    uint64_t wheel_used;    /* bit `cycle % 64`: there are some */
    int64_t looked;
    nc_dram_wishes *wishes; /* per bank */
    nc_dram_waiting *queue; /* `depth` per bank, oldest first */
    int32_t *held;          /* per bank: entries in its queue */
    int64_t *front[2];      /* read and write queue, oldest first; not used by a single queue */
    int64_t *returns;       /* ring of `outstanding`: when the reads on their way will be back */
    int64_t bus_free[2];    /* of row commands, of column commands */
    int64_t last;           /* cycle in which everything so far is done */
    int64_t next_refresh;
    int64_t in_banks;     /* entries in all bank queues */
    int64_t reads_inside; /* accepted reads that are not back; counted only where they are limited */
    int32_t front_held[2];
    int32_t in_single[2]; /* single queue: reads and writes that wait */
    int32_t bank_count, words, depth;
    int32_t turn;     /* bank that had the last command */
    int32_t draining; /* writes to be moved before reads are moved again */
    int32_t outstanding, on_way, oldest_return;
    int32_t refreshes_due, refresh_rank;
    int write_mode; /* single queue: writes are served */
    int all_accepted; /* no more requests will come */
    int may_move;     /* a request may fit into its bank's queue now */
} nc_dram_controller;

/* Lays the controller out in the arena; with memory NULL the bytes are only counted. */
uint64_t nc_dram_place(nc_dram_controller *c, const nc_dram *d, int32_t outstanding, uint8_t *memory);

/* Accepts a request if it has arrived and there is room. Returns now if so, else when to try again, NEVER if
 * something else has to happen first. */
int64_t nc_dram_accept(nc_dram_controller *c, int64_t id, int64_t now);

/* Moves the oldest request that fits from the front queue to its bank's queue; returns whether one did. */
int nc_dram_move_one(nc_dram_controller *c, int64_t now);

/* Single queue: decides whether reads or writes are served from now on. */
void nc_dram_choose_mode(nc_dram_controller *c, int64_t now);

/* Takes entry `place` of a bank's queue out; its column command went out now. */
void nc_dram_serve(nc_dram_controller *c, int32_t bank, int32_t place, int64_t now);

/* Finds out anew what a bank's queue asks for, after a change; nothing of it before cycle `from`. */
void nc_dram_wish(nc_dram_controller *c, int32_t bank, int64_t from);

#endif
