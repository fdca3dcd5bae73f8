#include <stdint.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef uint64_t wide __attribute__((vector_size(64)));
typedef uint8_t narrow __attribute__((vector_size(8)));
static uint64_t pack_a(const uint8_t *in){
    const uint64_t low7 = 0x7F7F7F7F7F7F7F7Fu;
    uint8_t bits[8]; uint64_t w;
    for (int i = 0; i < 8; i++) {
        uint64_t x; memcpy(&x, in + 8 * i, 8);
        x = (((x & low7) + low7) | x) >> 7 & 0x0101010101010101u;
        x |= x >> 7; x |= x >> 14; x |= x >> 28;
        bits[i] = (uint8_t)x;
    }
    memcpy(&w,bits,8); return w;
}
static uint64_t pack_b(const uint8_t *in){
    wide x; memcpy(&x,in,64);
    const uint64_t low7 = 0x7F7F7F7F7F7F7F7Fu; uint64_t w;
    x = (((x & low7) + low7) | x) >> 7 & 0x0101010101010101u;
    x |= x >> 7; x |= x >> 14; x |= x >> 28;
    narrow n=__builtin_convertvector(x,narrow); memcpy(&w,&n,8); return w;
}
static uint64_t pack_c(const uint8_t *in){
    wide x; memcpy(&x,in,64);
    const uint64_t low7 = 0x7F7F7F7F7F7F7F7Fu;
    x = (((x & low7) + low7) | x) >> 7 & 0x0101010101010101u;
    x |= x >> 7; x |= x >> 14; x |= x >> 28; x&=255;
    wide s={0,8,16,24,32,40,48,56}; x<<=s;
    uint64_t w=0; for(int i=0;i<8;i++) w|=x[i]; return w;
}
static uint64_t pack_d(const uint8_t *in){
    const uint64_t low7 = 0x7F7F7F7F7F7F7F7Fu; uint64_t w=0;
    for (int i = 0; i < 8; i++) {
        uint64_t x; memcpy(&x, in + 8 * i, 8);
        x = (((x & low7) + low7) | x) >> 7 & 0x0101010101010101u;
        w |= (x*0x0102040810204080u >> 56) << 8*i;
    }
    return w;
}
/* byte vectors: nonzero -> bit by position, then add bytes of eight */
typedef uint8_t bytes __attribute__((vector_size(64)));
static uint64_t pack_e(const uint8_t *in){
    bytes v; memcpy(&v,in,64);
    bytes m=(bytes)(v!=0);
    const wide bit={0x8040201008040201u,0x8040201008040201u,0x8040201008040201u,0x8040201008040201u,0x8040201008040201u,0x8040201008040201u,0x8040201008040201u,0x8040201008040201u};
    wide x=(wide)m & bit; uint64_t w=0;
    x |= x>>32; x|= x>>16; x|=x>>8;
    narrow n=__builtin_convertvector(x,narrow); memcpy(&w,&n,8); return w;
}
static void unpack_a(uint64_t w, uint8_t*out){
    for (int i = 0; i < 8; i++) {
        uint64_t x = (w >> 8*i)&255;
        x = (x | x << 28) & 0x0000000F0000000Fu;
        x = (x | x << 14) & 0x0003000300030003u;
        x = (x | x << 7) & 0x0101010101010101u;
        memcpy(out + 8 * i, &x, 8);
    }
}
static void unpack_b(uint64_t w, uint8_t*out){
    narrow n; memcpy(&n,&w,8); wide x=__builtin_convertvector(n,wide);
        x = (x | x << 28) & 0x0000000F0000000Fu;
        x = (x | x << 14) & 0x0003000300030003u;
        x = (x | x << 7) & 0x0101010101010101u;
        memcpy(out , &x, 64);
}
static void unpack_c(uint64_t w, uint8_t*out){
    for (int i = 0; i < 8; i++) {
        uint64_t x = ((w >> 8*i)&255)*0x0101010101010101u & 0x8040201008040201u;
        x = (x+0x7F7F7F7F7F7F7F7Fu)>>7 & 0x0101010101010101u;
        memcpy(out + 8 * i, &x, 8);
    }
}
static double now(void){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec+t.tv_nsec*1e-9;}
#define B(f) {double best=1;for(int r=0;r<20;r++){double t=now();for(int q=0;q<200;q++){for(int i=0;i<N/64;i++)W[i]=f(in+64*i);__asm__ volatile(""::"r"(W):"memory");}t=now()-t;if(t<best)best=t;}uint64_t h=0;for(int i=0;i<N/64;i++)h=h*31+W[i];printf(#f " %.3f ns/64 %lx\n",best/200/(N/64)*1e9,h);}
#define U(f) {double best=1;for(int r=0;r<20;r++){double t=now();for(int q=0;q<200;q++){for(int i=0;i<N/64;i++)f(W[i],o+64*i);__asm__ volatile(""::"r"(o):"memory");}t=now()-t;if(t<best)best=t;}uint64_t h=0;for(int i=0;i<N;i++)h=h*31+o[i];printf(#f " %.3f ns/64 %lx\n",best/200/(N/64)*1e9,h);}
int main(){int N=16384;uint8_t*in=malloc(N),*o=malloc(N);uint64_t*W=malloc(N/8);for(int i=0;i<N;i++)in[i]=rand()&1?rand():0;
B(pack_a)B(pack_b)B(pack_c)B(pack_d)B(pack_e)U(unpack_a)U(unpack_b)U(unpack_c)}
