/* The meter's topics; the firmware's tables are not linked here. Their depth holds a second of 1000 Hz: what
 * a reader's history threw away after a stall of the machine would count as the link's loss. */
#include "../core/generated/takt_contract.h"

#define STRING "std_msgs::msg::dds_::String_"

const takt_topic_t takt_topics[TAKT_TOPIC_COUNT] = {
    {"meter/ping_best_effort", "rt/meter/ping_best_effort", STRING, true, false, 1000, 1000, 480, 1000},
    {"meter/pong_best_effort", "rt/meter/pong_best_effort", STRING, false, false, 1000, 1000, 480, 1000},
    {"meter/ping_reliable", "rt/meter/ping_reliable", STRING, true, true, 1000, 1000, 480, 1000},
    {"meter/pong_reliable", "rt/meter/pong_reliable", STRING, false, true, 1000, 1000, 480, 1000},
};

const takt_service_t takt_services[TAKT_SERVICE_COUNT] = {{0}};
