#include "saliency.h"

/* Hands the gradients of all patterns on to the cells of their windows. */
void spread(const Top *top);
