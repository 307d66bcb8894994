/* Keeps the compiler from moving reads and writes past here, where moved ones would have to be kept in memory meanwhile, or
   could no longer be paired. */
#define IN_ORDER __asm__ volatile("" ::: "memory")
