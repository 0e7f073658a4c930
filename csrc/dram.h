/* One DRAM channel: banks with open rows, the gaps between commands that JEDEC standards prescribe, refresh, and a
 * controller in front of them.
 *
 * Controller with queues per bank: requests enter a read or a write queue. One request per cycle moves on to the
 * queue of its bank, the oldest whose bank queue has room; reads go first, writes in batches, when enough wait or
 * when there is nothing else to do. Controller with a single queue: requests are served from where they entered;
 * reads or writes are served at a time, writes from when enough of them wait until few are left.
 * One command per cycle goes out (with two command buses one row and one column command): banks take turns, or the
 * oldest request goes first; within a bank row hits may overtake until row_hit_cap of them were served while an
 * older request waits for another row. Rows stay open.
 * A refresh that is due closes all rows of its rank, for which no new command is started until then.
 *
 * The run jumps from one cycle in which something can happen to the next. Times are clock cycles, counts are int64.
 * fabric/dram_reference.py is the same model, cycle by cycle and readable.
 */
#ifndef NC_DRAM_H
#define NC_DRAM_H

#include "nc_status.h"
#include <stdint.h>

#define NC_DRAM_MAX_BANKS 1024 /* of one channel */
#define NC_DRAM_MAX_QUEUE 1024
#define NC_DRAM_MAX_CHANNELS 128
#define NC_DRAM_MAX_CYCLES (1 << 24) /* of one gap */

typedef enum { NC_DRAM_TURNS = 0, NC_DRAM_OLDEST = 1 } nc_dram_arbitration;

/* Least cycles from one command to another. _bank: in the same bank, _group: in the same bank group,
 * _rank: in the same rank, _other: in another rank on the same data bus; none if not positive. */
typedef struct {
    int32_t activate_read_bank, activate_write_bank, activate_precharge_bank, activate_activate_bank;
    int32_t activate_activate_group, activate_activate_rank;
    int32_t window; /* at most window_activates within so many cycles in a rank (tFAW) */
    int32_t precharge_activate_bank, precharge_precharge_rank;
    int32_t read_read_group, read_read_rank, read_read_other;
    int32_t read_write_rank, read_write_other, read_precharge_bank;
    int32_t write_write_group, write_write_rank, write_write_other;
    int32_t write_read_group, write_read_rank, write_read_other, write_precharge_bank;
    int32_t refresh_activate; /* tRFC */
    int32_t read_data, write_data; /* from the column command to the end of its data */
} nc_dram_gaps;

typedef struct {
    int32_t ranks, groups, banks; /* all ranks of the channel; bank groups of a rank; banks of a group */
    int32_t bus_ranks;            /* so many ranks in a row share a data bus (fewer than ranks: pseudo channels) */
    int32_t window_activates;     /* 4 for tFAW */
    int32_t refresh_interval;     /* tREFI; 0: no refresh */
    int32_t refresh_together;     /* 1: all ranks at once; 0: one after the other, spread evenly */
    int32_t activate_slots;       /* cycles for which an activate occupies its command bus */
    int32_t column_slots;         /* cycles for which a read or write command occupies its command bus */
    int32_t two_buses;            /* row and column commands have a bus each */
    int32_t arbitration;          /* nc_dram_arbitration */
    int32_t read_queue, write_queue, bank_queue; /* entries */
    int32_t single_queue;         /* 1: no bank queues; reads or writes are served at a time */
    int32_t write_high;           /* so many waiting writes are served before reads */
    int32_t write_low;            /* bank queues: more than this are served when there is nothing else to do;
                                     single queue: not more than this are left when reads are served again */
    int32_t row_hit_cap;          /* 0: none */
    int32_t front_cycles;         /* from the end of the data to the requester */
    nc_dram_gaps gaps;
} nc_dram;

/* Requests of one channel in the order in which they are offered. */
typedef struct {
    int64_t count;
    const int64_t *arrival; /* cycle, never decreasing: not offered before */
    const int32_t *bank;    /* (rank * groups + group) * banks + bank */
    const int32_t *row;
    const uint8_t *write;
} nc_dram_requests;

typedef struct {
    int64_t cycles; /* until the last data was delivered or written */
    int64_t activates, reads, writes, refreshes, row_hits;
    int64_t active_cycles;     /* sum over ranks: cycles with at least one open row */
    int64_t precharged_cycles; /* sum over ranks: the others */
} nc_dram_counts;

nc_status nc_dram_check(const nc_dram *d);

/* Bytes that nc_dram_run needs; 0 if the configuration is not valid. */
uint64_t nc_dram_workspace(const nc_dram *d, int32_t outstanding);

/* Serves all requests. outstanding: a read is not accepted while so many reads are on their way (0: no such limit).
 * done[count]: cycle in which a read's data reached the requester, or a write's data the banks.
 * accepted[count]: cycle in which the request entered the read or write queue. */
nc_status nc_dram_run(const nc_dram *d, const nc_dram_requests *requests, int32_t outstanding, void *workspace,
                      int64_t *accepted, int64_t *done, nc_dram_counts *counts);

/* Several channels behind one door, at which `window` requests may wait: any of them whose channel has room is
 * accepted, the oldest first; the next ones come to the door as places become free. channel[count]: where each request
 * goes. workspace: nc_dram_window_workspace. counts[channels]: all of them until the last channel is done. */
uint64_t nc_dram_window_workspace(const nc_dram *d, int32_t channels, int32_t window, int32_t outstanding);
nc_status nc_dram_run_window(const nc_dram *d, const nc_dram_requests *requests, const int32_t *channel,
                             int32_t channels, int32_t window, int32_t outstanding, void *workspace, int64_t *accepted,
                             int64_t *done, nc_dram_counts *counts);

#endif
