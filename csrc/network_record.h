/* What a run keeps of one population's outputs: lists for the projections behind it, bits and counts for the caller.
 * Part of network.c. */

/* Eight flags of 0 or 1 to the eight bits of a byte, the first flag to the lowest bit. */
static inline uint8_t pack8(const uint8_t *flags) {
    uint64_t eight;
    memcpy(&eight, flags, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    return (uint8_t)((eight * 0x0102040810204080ull) >> 56);
}

/* Flags of a share to bits; the share begins at a whole byte, and flags behind the last element are 0. */
static void pack_bits(const uint8_t *flags, nc_share share, uint8_t *bits) {
    for (int32_t byte = share.first / 8; byte < (share.last + 7) / 8; byte++)
        bits[byte] = pack8(flags + 8 * (int64_t)byte);
}

static void add_flags_1(uint8_t *restrict counts, const uint8_t *restrict flags, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        counts[j] = (uint8_t)(counts[j] + flags[j]);
}

static void add_flags_2(uint16_t *restrict counts, const uint8_t *restrict flags, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        counts[j] = (uint16_t)(counts[j] + flags[j]);
}

static void add_flags_4(uint32_t *restrict counts, const uint8_t *restrict flags, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        counts[j] += flags[j];
}

static void add_flags_8(uint64_t *restrict counts, const uint8_t *restrict flags, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        counts[j] += flags[j];
}

static void count_flags(const nc_record *record, const uint8_t *flags, nc_share share) {
    const int64_t n = share.last - share.first;
    switch (record->nonzero == NULL ? 0 : record->nonzero_bytes) {
    case 1:
        add_flags_1((uint8_t *)record->nonzero + share.first, flags + share.first, n);
        break;
    case 2:
        add_flags_2((uint16_t *)record->nonzero + share.first, flags + share.first, n);
        break;
    case 4:
        add_flags_4((uint32_t *)record->nonzero + share.first, flags + share.first, n);
        break;
    case 8:
        add_flags_8((uint64_t *)record->nonzero + share.first, flags + share.first, n);
        break;
    default:
        break;
    }
}

/* Columns of the row whose flag is set, ascending; returns how many. Eight silent ones are skipped at a time. */
static inline int32_t list_row(const uint8_t *flags, int32_t width, int32_t *index) {
    int32_t count = 0, c = 0;
    for (; c + 8 <= width; c += 8) {
        uint64_t eight;
        memcpy(&eight, flags + c, 8);
        for (int32_t j = c; eight != 0 && j < c + 8; j++) {
            index[count] = j;
            count += flags[j];
        }
    }
    for (; c < width; c++)
        if (flags[c])
            index[count++] = c;
    return count;
}
