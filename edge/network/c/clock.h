#include "arrays.h"

/* Splits time into stages; clock.py says what its methods are. */
extern PyTypeObject clock_type;
