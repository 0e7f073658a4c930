/* Two versions of a hot function, for processors with and without 256-bit vectors, chosen when the library is
 * loaded. Both give the same bits: fused multiply-add is switched off for all of csrc (setup.py), so that wider
 * vectors only do more of the same operations at once. */
#ifndef NC_DISPATCH_H
#define NC_DISPATCH_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(NC_DEBUG) &&     \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NC_HOT __attribute__((target_clones("avx2", "default"), flatten))
#else
#define NC_HOT
#endif

/* For bodies that are compiled once per value of a constant argument. */
#define NC_ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
