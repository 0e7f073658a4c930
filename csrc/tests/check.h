/* The few words that the tests of the C library need: a check, a random number, a way to run a test. */
#ifndef NC_CHECK_H
#define NC_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                  \
            check_failures++;                                                                                          \
        }                                                                                                              \
    } while (0)

#define CHECK_EQUAL(actual, expected) check_equal(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))

static inline void check_equal(const char *file, int line, const char *what, int64_t actual, int64_t expected) {
    if (actual != expected) {
        fprintf(stderr, "%s:%d: %s is %" PRId64 " and should be %" PRId64 "\n", file, line, what, actual, expected);
        check_failures++;
    }
}

#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        const int before = check_failures;                                                                             \
        test();                                                                                                        \
        printf("%s %s\n", check_failures == before ? "ok  " : "FAIL", #test);                                          \
    } while (0)

static inline int check_result(void) { return check_failures == 0 ? 0 : 1; }

static uint64_t check_seed = 1;

/* Uniform in low..high, both included (splitmix64: Steele, Lea, Flood 2014). */
static inline int32_t draw(int32_t low, int32_t high) {
    uint64_t z = (check_seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return low + (int32_t)(z % ((uint64_t)(high - low) + 1));
}

/* Zeroed memory of exactly this size, so that a sanitizer sees the first byte beyond it. */
static inline void *zeros(int64_t count, size_t size) {
    void *const memory = calloc(count > 0 ? (size_t)count : 1, size);
    if (memory == NULL)
        exit(2);
    return memory;
}

#endif
