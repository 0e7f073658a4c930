/* Sizes and indices of everything that the placer is given, vetted once. */
#include "place.h"
#include "place_board.h"

static nc_status check_costs(const int32_t *cost, int32_t size) {
    int64_t sum = 0;
    for (int32_t i = 0; i < size; i++) {
        if (cost[i] < 1 || cost[i] > NC_PLACE_COST_MAX)
            return NC_ERR_SIZE;
        sum += cost[i];
    }
    return 4 * sum > INT32_MAX ? NC_ERR_OVERFLOW : NC_OK;
}

nc_status nc_place_check_fabric(const nc_place_fabric *f) {
    if (f->width < 1 || f->height < 1 || f->width > NC_PLACE_SIDE_MAX || f->height > NC_PLACE_SIDE_MAX)
        return NC_ERR_SIZE;
    if (f->per_router < 1 || board_cores(f) > INT32_MAX / NC_PLACE_LINKS)
        return NC_ERR_SIZE;
    if (f->input_router < 0 || f->input_router >= f->width * f->height)
        return NC_ERR_INDEX;
    const nc_status columns = check_costs(f->column_cost, f->width);
    return columns != NC_OK ? columns : check_costs(f->row_cost, f->height);
}

static nc_status check_pointer(const int64_t *pointer, int64_t count, int64_t most) {
    if (pointer[0] != 0)
        return NC_ERR_SIZE;
    for (int64_t i = 0; i < count; i++)
        if (pointer[i + 1] < pointer[i] || pointer[i + 1] - pointer[i] > most)
            return NC_ERR_SIZE;
    return NC_OK;
}

static nc_status check_indices(const int32_t *index, int64_t count, int32_t below) {
    for (int64_t i = 0; i < count; i++)
        if (index[i] < 0 || index[i] >= below)
            return NC_ERR_INDEX;
    return NC_OK;
}

static nc_status check_net(const nc_place_nets *nets, int32_t net, int64_t *total) {
    const int64_t first = nets->pin_ptr[net], last = nets->pin_ptr[net + 1];
    if (nets->source[net] < -1 || nets->source[net] >= nets->part_count)
        return NC_ERR_INDEX;
    if (first == last || nets->traffic[net] < 1)
        return NC_ERR_SIZE;
    if (nets->traffic[net] > INT64_MAX - *total)
        return NC_ERR_OVERFLOW;
    *total += nets->traffic[net];
    for (int64_t k = first; k < last; k++)
        if (nets->pin[k] == nets->source[net])
            return NC_ERR_INDEX;
    return NC_OK;
}

nc_status nc_place_check_nets(const nc_place_nets *nets) {
    if (nets->part_count < 0 || nets->net_count < 0)
        return NC_ERR_SIZE;
    nc_status status = check_pointer(nets->pin_ptr, nets->net_count, nets->part_count);
    if (status == NC_OK)
        status = check_pointer(nets->touch_ptr, nets->part_count, nets->net_count);
    if (status == NC_OK)
        status = check_indices(nets->pin, nets->pin_ptr[nets->net_count], nets->part_count);
    if (status == NC_OK)
        status = check_indices(nets->touch, nets->touch_ptr[nets->part_count], nets->net_count);
    int64_t total = 0;
    for (int32_t net = 0; net < nets->net_count && status == NC_OK; net++)
        status = check_net(nets, net, &total);
    return status;
}

nc_status nc_place_check_flows(const nc_place_flows *flows) {
    if (flows->part_count < 0)
        return NC_ERR_SIZE;
    const nc_status status = check_pointer(flows->ptr, flows->part_count, flows->part_count);
    if (status != NC_OK)
        return status;
    for (int32_t p = 0; p < flows->part_count; p++) {
        if (flows->input[p] < 0)
            return NC_ERR_SIZE;
        for (int64_t k = flows->ptr[p]; k < flows->ptr[p + 1]; k++)
            if (flows->other[k] == p || flows->flow[k] < 0)
                return NC_ERR_INDEX;
    }
    return check_indices(flows->other, flows->ptr[flows->part_count], flows->part_count);
}

nc_status nc_place_check_state(const nc_place_fabric *f, int32_t part_count, const nc_place_state *state) {
    const int64_t cores = board_cores(f);
    if (part_count > cores)
        return NC_ERR_SIZE;
    for (int32_t p = 0; p < part_count; p++)
        if (state->core[p] < 0 || state->core[p] >= cores || (!state->held[p] && !state->open[state->core[p]]))
            return NC_ERR_INDEX;
    return NC_OK;
}
