/* The DRAM model: every gap is kept and none is longer than it should be, closed forms of latency and throughput,
 * random runs that serve each request once. */
#include "../dram.h"
#include "../dram_state.h"
#include "check.h"
#include <stddef.h>

/* DDR4-2400 with all gaps different enough to tell them apart; two ranks of two groups of two banks. */
static const nc_dram DDR4 = {.ranks = 2,
                             .groups = 2,
                             .banks = 2,
                             .bus_ranks = 2,
                             .window_activates = 4,
                             .refresh_interval = 0,
                             .activate_slots = 1,
                             .column_slots = 1,
                             .read_queue = 32,
                             .write_queue = 32,
                             .bank_queue = 8,
                             .write_high = 32,
                             .write_low = 8,
                             .row_hit_cap = 4,
                             .front_cycles = 1,
                             .gaps = {.activate_read_bank = 17,
                                      .activate_write_bank = 16,
                                      .activate_precharge_bank = 39,
                                      .activate_activate_bank = 56,
                                      .activate_activate_group = 6,
                                      .activate_activate_rank = 4,
                                      .window = 26,
                                      .precharge_activate_bank = 15,
                                      .precharge_precharge_rank = 2,
                                      .read_read_group = 7,
                                      .read_read_rank = 4,
                                      .read_read_other = 5,
                                      .read_write_rank = 10,
                                      .read_write_other = 11,
                                      .read_precharge_bank = 9,
                                      .write_write_group = 8,
                                      .write_write_rank = 3,
                                      .write_write_other = 2,
                                      .write_read_group = 25,
                                      .write_read_rank = 19,
                                      .write_read_other = 13,
                                      .write_precharge_bank = 34,
                                      .refresh_activate = 420,
                                      .read_data = 21,
                                      .write_data = 16}};

enum { SAME = 0, GROUP = 1, RANK = 2, OTHER = 4 }; /* banks as seen from bank 0 */

static void *memory_for(uint64_t bytes) {
    void *const memory = malloc((size_t)bytes);
    if (memory == NULL)
        abort();
    return memory;
}

/* Gives `first` to bank 0 at cycle 1000 and expects `second` in bank `bank` to be allowed `gap` cycles later and not
 * before. */
static void expect_gap(nc_dram_command first, nc_dram_command second, int32_t bank, int64_t gap) {
    nc_dram_state s;
    void *const memory = memory_for(nc_dram_state_bytes(&DDR4));
    nc_dram_reset(&DDR4, memory, &s);
    if (first != NC_DRAM_ACTIVATE)
        nc_dram_issue(&s, 0, NC_DRAM_ACTIVATE, 7, 0);
    nc_dram_issue(&s, 0, first, 7, 1000);
    const int64_t earliest = nc_dram_earliest(&s, bank, second);
    CHECK_EQUAL(earliest < 1000 ? 0 : earliest - 1000, gap);
    free(memory);
}

static void gaps_are_tight(void) {
    const nc_dram_gaps *const g = &DDR4.gaps;
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_READ, SAME, g->activate_read_bank);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_WRITE, SAME, g->activate_write_bank);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_PRECHARGE, SAME, g->activate_precharge_bank);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_ACTIVATE, SAME, g->activate_activate_bank);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_ACTIVATE, GROUP, g->activate_activate_group);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_ACTIVATE, RANK, g->activate_activate_rank);
    expect_gap(NC_DRAM_ACTIVATE, NC_DRAM_ACTIVATE, OTHER, 0);
    expect_gap(NC_DRAM_PRECHARGE, NC_DRAM_ACTIVATE, SAME, g->precharge_activate_bank);
    expect_gap(NC_DRAM_PRECHARGE, NC_DRAM_PRECHARGE, RANK, g->precharge_precharge_rank);
    expect_gap(NC_DRAM_PRECHARGE, NC_DRAM_PRECHARGE, OTHER, 0);
    expect_gap(NC_DRAM_READ, NC_DRAM_READ, SAME, g->read_read_group);
    expect_gap(NC_DRAM_READ, NC_DRAM_READ, GROUP, g->read_read_group);
    expect_gap(NC_DRAM_READ, NC_DRAM_READ, RANK, g->read_read_rank);
    expect_gap(NC_DRAM_READ, NC_DRAM_READ, OTHER, g->read_read_other);
    expect_gap(NC_DRAM_READ, NC_DRAM_WRITE, SAME, g->read_write_rank);
    expect_gap(NC_DRAM_READ, NC_DRAM_WRITE, RANK, g->read_write_rank);
    expect_gap(NC_DRAM_READ, NC_DRAM_WRITE, OTHER, g->read_write_other);
    expect_gap(NC_DRAM_READ, NC_DRAM_PRECHARGE, SAME, g->read_precharge_bank);
    expect_gap(NC_DRAM_READ, NC_DRAM_PRECHARGE, GROUP, 0);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_WRITE, SAME, g->write_write_group);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_WRITE, RANK, g->write_write_rank);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_WRITE, OTHER, g->write_write_other);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_READ, GROUP, g->write_read_group);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_READ, RANK, g->write_read_rank);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_READ, OTHER, g->write_read_other);
    expect_gap(NC_DRAM_WRITE, NC_DRAM_PRECHARGE, SAME, g->write_precharge_bank);
}

/* Four activates in a rank, then the fifth waits for the window; the other rank does not. */
static void a_rank_takes_four_activates_in_a_window(void) {
    nc_dram d = DDR4;
    d.banks = 4;
    nc_dram_state s;
    void *const memory = memory_for(nc_dram_state_bytes(&d));
    nc_dram_reset(&d, memory, &s);
    const int32_t bank[4] = {0, 4, 1, 5};
    for (int k = 0; k < 4; k++)
        nc_dram_issue(&s, bank[k], NC_DRAM_ACTIVATE, 1, 100 + 4 * k);
    CHECK_EQUAL(nc_dram_earliest(&s, 2, NC_DRAM_ACTIVATE), 100 + d.gaps.window);
    CHECK_EQUAL(nc_dram_earliest(&s, 8, NC_DRAM_ACTIVATE), 0);
    nc_dram_issue(&s, 2, NC_DRAM_ACTIVATE, 1, 126);
    CHECK_EQUAL(nc_dram_earliest(&s, 7, NC_DRAM_ACTIVATE), 104 + d.gaps.window);
    free(memory);
}

static void a_refresh_waits_for_the_precharge_and_holds_the_rank(void) {
    nc_dram_state s;
    void *const memory = memory_for(nc_dram_state_bytes(&DDR4));
    nc_dram_reset(&DDR4, memory, &s);
    nc_dram_issue(&s, 0, NC_DRAM_ACTIVATE, 1, 0);
    nc_dram_issue(&s, 0, NC_DRAM_PRECHARGE, 0, 39);
    CHECK_EQUAL(s.rank[0].refresh, 39 + DDR4.gaps.precharge_activate_bank);
    nc_dram_refresh(&s, 0, 60);
    CHECK_EQUAL(nc_dram_earliest(&s, 1, NC_DRAM_ACTIVATE), 60 + DDR4.gaps.refresh_activate);
    CHECK_EQUAL(nc_dram_earliest(&s, OTHER, NC_DRAM_ACTIVATE), 0);
    free(memory);
}

typedef struct {
    int64_t arrival[64], accepted[64], done[64];
    int32_t bank[64], row[64];
    uint8_t write[64];
} batch;

static nc_dram_counts run(const nc_dram *d, batch *b, int64_t count, int32_t outstanding) {
    const nc_dram_requests requests = {count, b->arrival, b->bank, b->row, b->write};
    void *const workspace = memory_for(nc_dram_workspace(d, outstanding));
    nc_dram_counts counts = {0};
    CHECK_EQUAL(nc_dram_run(d, &requests, outstanding, workspace, b->accepted, b->done, &counts), NC_OK);
    free(workspace);
    return counts;
}

/* One cycle to the bank's queue, then the commands, then one cycle back. */
static void unloaded_latency_is_its_closed_form(void) {
    batch b = {.arrival = {0, 500, 1000}, .row = {3, 3, 4}};
    run(&DDR4, &b, 3, 0);
    CHECK_EQUAL(b.done[0] - 0, 1 + 17 + 21 + 1);           /* closed */
    CHECK_EQUAL(b.done[1] - 500, 1 + 21 + 1);              /* open */
    CHECK_EQUAL(b.done[2] - 1000, 1 + 15 + 17 + 21 + 1);   /* another row is open */
}

/* Reads of one open row follow each other at the gap of the bank group. */
static void throughput_of_one_row_is_its_closed_form(void) {
    batch b = {.row = {0}};
    const nc_dram_counts counts = run(&DDR4, &b, 64, 0);
    CHECK_EQUAL(counts.cycles, 1 + 17 + 63 * DDR4.gaps.read_read_group + 21 + 1);
    CHECK_EQUAL(counts.activates, 1);
    CHECK_EQUAL(counts.row_hits, 63);
    CHECK_EQUAL(counts.active_cycles + counts.precharged_cycles, 2 * counts.cycles);
}

/* Two groups in turn keep the data bus busy. */
static void bank_groups_in_turn_fill_the_bus(void) {
    batch b = {.row = {0}};
    nc_dram d = DDR4;
    d.gaps.read_read_group = 8;
    for (int k = 0; k < 64; k++)
        b.bank[k] = k % 2 * GROUP * 2;
    const nc_dram_counts counts = run(&d, &b, 64, 0);
    CHECK(counts.cycles <= 1 + 4 + 17 + 64 * d.gaps.read_read_rank + 8 + 21 + 1);
}

/* With one read outstanding each takes its whole latency. */
static void one_outstanding_read_at_a_time(void) {
    batch b = {.row = {0}};
    const nc_dram_counts counts = run(&DDR4, &b, 10, 1);
    CHECK_EQUAL(counts.cycles, 17 + 10 * (1 + 21 + 1));
}

static void random_runs_serve_each_request_once(void) {
    for (int trial = 0; trial < 400; trial++) {
        nc_dram d = DDR4;
        batch b = {.row = {0}};
        const int64_t count = draw(1, 64);
        d.refresh_interval = draw(0, 1) ? 3000 : 0;
        d.refresh_together = draw(0, 1);
        d.two_buses = draw(0, 1);
        d.single_queue = draw(0, 1);
        d.arbitration = draw(0, 1);
        d.write_queue = d.write_high = draw(1, 8);
        d.write_low = d.write_high - 1;
        d.read_queue = draw(1, 8);
        d.bank_queue = draw(1, 4);
        d.row_hit_cap = draw(0, 3);
        d.bus_ranks = draw(1, 2);
        for (int64_t k = 0; k < count; k++) {
            b.arrival[k] = (k > 0 ? b.arrival[k - 1] : 0) + draw(0, 60);
            b.bank[k] = draw(0, 7);
            b.row[k] = draw(0, 2);
            b.write[k] = (uint8_t)draw(0, 1);
            b.done[k] = -1;
        }
        const nc_dram_counts counts = run(&d, &b, count, draw(0, 4));
        CHECK_EQUAL(counts.reads + counts.writes, count);
        CHECK(counts.activates >= 1 && counts.activates + counts.row_hits >= count);
        for (int64_t k = 0; k < count; k++)
            CHECK(b.accepted[k] >= b.arrival[k] && b.done[k] > b.accepted[k] && b.done[k] <= counts.cycles);
    }
}

/* Three channels behind one door: all is served, in any window; with a single place in the order of arrival. */
static void a_door_lets_everyone_in(void) {
    for (int trial = 0; trial < 200; trial++) {
        batch b = {.row = {0}};
        int32_t channel[64];
        const int32_t window = draw(1, 80), outstanding = draw(0, 3);
        for (int k = 0; k < 64; k++) {
            channel[k] = draw(0, 2);
            b.bank[k] = draw(0, 7);
            b.row[k] = draw(0, 2);
            b.write[k] = (uint8_t)draw(0, 1);
        }
        const nc_dram_requests requests = {64, b.arrival, b.bank, b.row, b.write};
        void *const workspace = memory_for(nc_dram_window_workspace(&DDR4, 3, window, outstanding));
        nc_dram_counts counts[3];
        CHECK_EQUAL(nc_dram_run_window(&DDR4, &requests, channel, 3, window, outstanding, workspace, b.accepted, b.done,
                                       counts),
                    NC_OK);
        free(workspace);
        CHECK_EQUAL(counts[0].reads + counts[1].reads + counts[2].reads + counts[0].writes + counts[1].writes +
                        counts[2].writes,
                    64);
        for (int k = 0; k < 64; k++) {
            int64_t before = 0; /* requests that came to the door later and got in earlier */
            for (int j = k + 1; j < 64; j++)
                before += b.accepted[j] < b.accepted[k];
            CHECK(window > 1 || before == 0);
            CHECK(b.done[k] > b.accepted[k] && b.done[k] <= counts[channel[k]].cycles);
        }
        channel[5] = 3;
        CHECK_EQUAL(nc_dram_run_window(&DDR4, &requests, channel, 3, window, 0, &counts, b.accepted, b.done, counts),
                    NC_ERR_INDEX);
    }
    CHECK_EQUAL(nc_dram_window_workspace(&DDR4, 0, 1, 0), 0);
    CHECK_EQUAL(nc_dram_window_workspace(&DDR4, 1, 0, 0), 0);
}

static nc_status attempt(nc_dram d, batch b, int64_t count) {
    const nc_dram_requests requests = {count, b.arrival, b.bank, b.row, b.write};
    void *const workspace = memory_for(1 << 20);
    nc_dram_counts counts;
    const nc_status status = nc_dram_run(&d, &requests, 0, workspace, b.accepted, b.done, &counts);
    free(workspace);
    return status;
}

static void bad_arguments_are_refused(void) {
    const batch good = {.row = {0}};
    batch bank = good, row = good, back = good, late = good;
    bank.bank[1] = 8;
    row.row[0] = -1;
    back.arrival[0] = 5;
    late.arrival[1] = INT64_MAX - 1;
    CHECK_EQUAL(attempt(DDR4, good, 2), NC_OK);
    CHECK_EQUAL(attempt(DDR4, bank, 2), NC_ERR_INDEX);
    CHECK_EQUAL(attempt(DDR4, row, 2), NC_ERR_INDEX);
    CHECK_EQUAL(attempt(DDR4, back, 2), NC_ERR_SIZE);
    CHECK_EQUAL(attempt(DDR4, late, 2), NC_ERR_OVERFLOW);
    nc_dram d = DDR4;
    d.bus_ranks = 3;
    CHECK_EQUAL(attempt(d, good, 1), NC_ERR_SIZE);
    d = DDR4;
    d.refresh_interval = 500; /* less than a refresh takes, with what comes around it */
    CHECK_EQUAL(attempt(d, good, 1), NC_ERR_SIZE);
    d = DDR4;
    d.arbitration = 2;
    CHECK_EQUAL(attempt(d, good, 1), NC_ERR_KIND);
    CHECK_EQUAL(nc_dram_workspace(&d, 0), 0);
}

int main(void) {
    RUN(gaps_are_tight);
    RUN(a_rank_takes_four_activates_in_a_window);
    RUN(a_refresh_waits_for_the_precharge_and_holds_the_rank);
    RUN(unloaded_latency_is_its_closed_form);
    RUN(throughput_of_one_row_is_its_closed_form);
    RUN(bank_groups_in_turn_fill_the_bus);
    RUN(one_outstanding_read_at_a_time);
    RUN(random_runs_serve_each_request_once);
    RUN(a_door_lets_everyone_in);
    RUN(bad_arguments_are_refused);
    return check_result();
}
