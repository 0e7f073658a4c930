/* What a move of vertices between parts changes on the links, weighed without making it: hops net by net in closed
 * form, and the loads of links where congestion counts. Included by place_joint.c only. */
#ifndef NC_PLACE_JOINT_WEIGH_H
#define NC_PLACE_JOINT_WEIGH_H

#include "place_joint_state.h"

/* The tree of a net with another source, without part `less` and with part `more` (-1: none). */
static void grow_tree(nc_joint *j, nc_tree *t, const nc_net *net, nc_spot source, int32_t less, int32_t more) {
    const nc_entry *const entry = j->s->entry + net->first;
    tree_begin(t, source);
    for (int32_t k = 0; k < net->spread; k++)
        if (entry[k].part != less)
            tree_add(t, j->spot[entry[k].part]);
    if (more >= 0)
        tree_add(t, j->spot[more]);
}

/* The weighted links of a net changed like that. */
static int64_t measure(nc_joint *j, const nc_net *net, nc_spot source, int32_t less, int32_t more) {
    const nc_entry *const entry = j->s->entry + net->first;
    nc_tree *const t = &j->tree;
    int64_t cost = 0;
    j->work += 4 + net->spread;
    if (!j->fabric->tree) {
        for (int32_t k = 0; k < net->spread; k++)
            cost += entry[k].part == less ? 0 : tree_path_cost(t, source, j->spot[entry[k].part]);
        return cost + (more < 0 ? 0 : tree_path_cost(t, source, j->spot[more]));
    }
    grow_tree(j, t, net, source, less, more);
    return tree_cost(t);
}

/* Adds the paths of a net on a fabric without trees (or takes them off, if traffic is negative). */
static void burden_paths(nc_joint *j, const nc_net *net, nc_spot source, int32_t less, int32_t more, int64_t traffic) {
    const nc_entry *const entry = j->s->entry + net->first;
    for (int32_t k = 0; k < net->spread; k++)
        if (entry[k].part != less)
            loads_path(&j->loads, j->fabric, source, j->spot[entry[k].part], traffic);
    if (more >= 0)
        loads_path(&j->loads, j->fabric, source, j->spot[more], traffic);
}

/* Puts the loads of links as if the move at hand were made; how much the objective grows by their squares. */
static double weigh_loads(nc_joint *j) {
    for (int32_t k = 0; k < j->freshes; k++) {
        const nc_fresh *const f = &j->fresh[k];
        const nc_net *const net = &j->s->net[f->net];
        if (j->fabric->tree) {
            grow_tree(j, &j->old, net, home_of(j, net), -1, -1);
            grow_tree(j, &j->tree, net, f->source, f->less, f->more);
            loads_change(&j->loads, &j->old, &j->tree, net->traffic);
        } else {
            burden_paths(j, net, home_of(j, net), -1, -1, -net->traffic);
            burden_paths(j, net, f->source, f->less, f->more, net->traffic);
        }
        j->work += 2 * net->spread;
    }
    j->work += j->loads.touched;
    j->loads.touched = 0;
    return j->steepness * loads_squares(&j->loads);
}

/* Notes what a move does to a net; how much its hops grow. */
static int64_t note(nc_joint *j, int32_t e, nc_spot source, int32_t less, int32_t more) {
    const nc_net *const net = &j->s->net[e];
    const int64_t after = measure(j, net, source, less, more);
    j->fresh[j->freshes++] = (nc_fresh){e, less, more, source, j->cost[e], after};
    return net->traffic * (after - j->cost[e]);
}

/* How much the cost grows if a vertex moves; adds the nets that change to j->fresh. */
static int64_t weigh(nc_joint *j, int32_t v, int32_t to) {
    const nc_partition *const s = j->s;
    const int32_t from = s->part[v];
    int64_t delta = 0;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        j->work++;
        if (net->traffic == 0 || net->source == v)
            continue;
        const int32_t left = nc_pins(s, net, from) == 1, entered = nc_slot(s, net, to) < 0;
        if (left || entered)
            delta += note(j, s->heard[k], home_of(j, net), left ? from : -1, entered ? to : -1);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        if (net->traffic == 0)
            continue;
        const int32_t left = net->hears_itself && nc_pins(s, net, from) == 1;
        const int32_t entered = net->hears_itself && nc_slot(s, net, to) < 0;
        delta += note(j, s->sent[k], j->spot[to], left ? from : -1, entered ? to : -1);
    }
    return delta;
}

/* The change of one net if v and w change places; hears: V_HEARS, W_HEARS. */
static int64_t weigh_exchanged(nc_joint *j, int32_t e, int32_t v, int32_t w, int64_t hears) {
    const nc_partition *const s = j->s;
    const nc_net *const net = &s->net[e];
    j->work++;
    if (net->traffic == 0)
        return 0;
    const int32_t from = s->part[v], to = s->part[w];
    const int is_sent = net->source == v || net->source == w;
    int32_t less = -1, more = -1;
    if (hears == V_HEARS || hears == W_HEARS) {
        const int32_t here = hears == V_HEARS ? from : to, there = hears == V_HEARS ? to : from;
        less = nc_pins(s, net, here) == 1 ? here : -1;
        more = nc_slot(s, net, there) < 0 ? there : -1;
    }
    if (less < 0 && more < 0 && !is_sent)
        return 0;
    const nc_spot source = net->source == v ? j->spot[to] : net->source == w ? j->spot[from] : home_of(j, net);
    return note(j, e, source, less, more);
}

/* The nets of one vertex lie anywhere in memory: asked for before they are needed. */
static void fetch_nets(const nc_joint *j, const int32_t *nets, const int64_t *ptr) {
    for (int64_t k = ptr[0]; k < ptr[1]; k++) {
        NC_PREFETCH(&j->s->net[nets[k]]);
        NC_PREFETCH(&j->mark[nets[k]]);
    }
}

static void fetch_entries(const nc_joint *j, const int32_t *nets, const int64_t *ptr) {
    for (int64_t k = ptr[0]; k < ptr[1]; k++) {
        NC_PREFETCH(&j->s->entry[j->s->net[nets[k]].first]);
        NC_PREFETCH(&j->cost[nets[k]]);
    }
}

static void fetch_both(const nc_joint *j, int32_t v, int32_t w) {
    const nc_partition *const s = j->s;
    fetch_nets(j, s->heard, s->heard_ptr + v);
    fetch_nets(j, s->heard, s->heard_ptr + w);
    fetch_nets(j, s->sent, s->sent_ptr + v);
    fetch_nets(j, s->sent, s->sent_ptr + w);
    fetch_entries(j, s->heard, s->heard_ptr + v);
    fetch_entries(j, s->heard, s->heard_ptr + w);
    fetch_entries(j, s->sent, s->sent_ptr + v);
    fetch_entries(j, s->sent, s->sent_ptr + w);
}

/* How much the cost grows if two vertices change places; each of their nets is looked at once. */
static int64_t weigh_swap(nc_joint *j, int32_t v, int32_t w) {
    const nc_partition *const s = j->s;
    const int64_t clock = HEARS * ++j->swap;
    int64_t delta = 0;
    fetch_both(j, v, w);
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++)
        j->mark[s->heard[k]] = clock + V_HEARS;
    for (int64_t k = s->heard_ptr[w]; k < s->heard_ptr[w + 1]; k++) {
        int64_t *const mark = &j->mark[s->heard[k]];
        *mark = (*mark > clock ? *mark : clock) | W_HEARS;
    }
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++)
        delta += weigh_exchanged(j, s->heard[k], v, w, j->mark[s->heard[k]] - clock);
    for (int64_t k = s->heard_ptr[w]; k < s->heard_ptr[w + 1]; k++)
        if (j->mark[s->heard[k]] == clock + W_HEARS)
            delta += weigh_exchanged(j, s->heard[k], v, w, W_HEARS);
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        if (j->mark[s->sent[k]] <= clock)
            delta += weigh_exchanged(j, s->sent[k], v, w, 0);
    for (int64_t k = s->sent_ptr[w]; k < s->sent_ptr[w + 1]; k++)
        if (j->mark[s->sent[k]] <= clock)
            delta += weigh_exchanged(j, s->sent[k], v, w, 0);
    return delta;
}

#endif
