#include "arrays.h"

/* The steps of one image between the models of a classifier in int8; see stages_in_place.py. */
extern PyTypeObject stages_type;
