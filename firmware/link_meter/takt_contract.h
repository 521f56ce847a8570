/* The contract as the link meter sees it: its own four topics (meter_tables.c) and no service, everything
 * else as generated. It stands before the generated folder in the include path. */
#ifndef TAKT_METER_CONTRACT_H
#define TAKT_METER_CONTRACT_H

#include "../core/generated/takt_contract.h"

enum {
    METER_PING_BEST_EFFORT, /* board to host */
    METER_PONG_BEST_EFFORT, /* host to board */
    METER_PING_RELIABLE,
    METER_PONG_RELIABLE,
    METER_TOPIC_COUNT
};

_Static_assert((int)METER_TOPIC_COUNT <= (int)TAKT_TOPIC_COUNT,
               "the meter's topics lie in the contract's table");

/* From here on these names are the meter's. */
#undef TAKT_SERVICE_FIRST_OF_PARAMETERS
#define TAKT_SERVICE_FIRST_OF_PARAMETERS 0u
#define TAKT_TOPIC_COUNT                 4u
#define TAKT_SERVICE_COUNT               0u

#endif
