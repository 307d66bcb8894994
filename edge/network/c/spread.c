/* Hands the gradient of filters on to the cells that they see: the inner loop of saliency.c. */

#include "spread.h"

#include "order.h"

/* One float of what add_NAME adds. */
static void add_one(const Top *top, float *gradient, const float *kernels, Py_ssize_t pattern)
{
    float sum = 0;
    for (int32_t i = top->begins[pattern]; i < top->begins[pattern + 1]; i++)
        sum += top->of_filters[top->at_max[i]] * kernels[top->at_max[i] * top->width * top->depth];
    for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window])
        gradient[top->first_cells[window]] += sum;
}

/* spread_NAME hands the gradients of all patterns on to their windows' cells, and add_NAME is its inner loop: it sums the
   weighted kernels of some filters in COUNT vectors of SIZE bytes, which stay in registers, and adds them to every window. A
   row of the kernels is done with before the next is begun: those of all filters together are as much as a small cache holds. */
#define SPREAD(NAME, ATTRIBUTE, SIZE, MOST)                                                                           \
    typedef float Vector_##NAME __attribute__((vector_size(SIZE), aligned(4), may_alias));                            \
    static inline __attribute__((always_inline)) ATTRIBUTE void add_##NAME(                                           \
        const Top *top, float *gradient, const float *kernels, Py_ssize_t pattern, int count)                         \
    {                                                                                                                 \
        Vector_##NAME parts[MOST] = {{0}};                                                                            \
        const Py_ssize_t run = top->width * top->depth;                                                               \
        const float *of_filters = top->of_filters;                                                                    \
        const int32_t *at_max = top->at_max + top->begins[pattern], *end = top->at_max + top->begins[pattern + 1];    \
        for (; at_max != end; at_max++) {                                                                             \
            const Vector_##NAME *kernel = (const Vector_##NAME *)(kernels + *at_max * run);                           \
            float weight = of_filters[*at_max];                                                                       \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int j = 0; j < count; j++) {                                                                         \
                parts[j] += weight * kernel[j];                                                                       \
                if (j % 4 == 3)                                                                                       \
                    IN_ORDER;                                                                                         \
            }                                                                                                         \
        }                                                                                                             \
        for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window]) {                    \
            Vector_##NAME *to = (Vector_##NAME *)(gradient + top->first_cells[window]);                               \
            __asm__("" : "+r"(to)); /* one address, and not one for each vector */                                    \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int i = 0; i < count; i++)                                                                           \
                to[i] += parts[i];                                                                                    \
        }                                                                                                             \
    }                                                                                                                 \
    static ATTRIBUTE void spread_##NAME(const Top *top)                                                               \
    {                                                                                                                 \
        const Py_ssize_t one = SIZE / sizeof(float), most = MOST * one, run = top->width * top->depth;                \
        for (Py_ssize_t i = 0; i < top->height; i++)                                                                  \
            for (Py_ssize_t pattern = 0; pattern < top->patterns; pattern++) {                                        \
                const float *kernels = top->kernels + i * top->filters * run;                                         \
                float *gradient = top->gradient + i * top->gradient_width * top->depth;                               \
                Py_ssize_t left = run;                                                                                \
                for (; left >= most; left -= most, gradient += most, kernels += most)                                 \
                    add_##NAME(top, gradient, kernels, pattern, MOST);                                                \
                for (; left >= one; left -= one, gradient += one, kernels += one)                                     \
                    add_##NAME(top, gradient, kernels, pattern, 1);                                                   \
                for (; left > 0; left--, gradient++, kernels++)                                                       \
                    add_one(top, gradient, kernels, pattern);                                                         \
            }                                                                                                         \
    }

#ifdef __x86_64__ /* every one has SSE2, most have AVX2, and what runs is chosen by what the processor has */
SPREAD(sse2, , 16, 8)
SPREAD(avx2, __attribute__((target("avx2,fma"))), 32, 12)
#define SPREAD_HERE(TOP) (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? spread_avx2(TOP) : spread_sse2(TOP))
#else
SPREAD(simd, , 16, 24)
#define SPREAD_HERE(TOP) spread_simd(TOP)
#endif

void spread(const Top *top)
{
    SPREAD_HERE(top);
}
