/* Eight bytes of 0 or 1, and eight bits, lowest first: the multiplications of Warren, "Hacker's
   Delight" (bits gathered from, and spread over, the bytes of a word). Words are little-endian. */
#ifndef TILEFAN_BITS_H
#define TILEFAN_BITS_H

#include <stdint.h>

#define EACH_BYTE(byte) (0x0101010101010101u * (byte))

static inline uint64_t gather_bits(uint64_t bytes) { return bytes * 0x0102040810204080u >> 56; }

static inline uint64_t spread_bits(uint64_t bits) {
    uint64_t apart = (bits & 0xFF) * EACH_BYTE(1) & 0x8040201008040201u;
    return (apart + EACH_BYTE(0x7F)) >> 7 & EACH_BYTE(1);
}

#endif
