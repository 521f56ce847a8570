/* The meter's topics; the firmware's tables are not linked here. */
#include "../core/generated/takt_contract.h"

#define STRING "std_msgs::msg::dds_::String_"

const takt_topic_t takt_topics[TAKT_TOPIC_COUNT] = {
    {"meter/ping_best_effort", "rt/meter/ping_best_effort", STRING, true, false, 100, 1000, 480, 1000},
    {"meter/pong_best_effort", "rt/meter/pong_best_effort", STRING, false, false, 100, 1000, 480, 1000},
    {"meter/ping_reliable", "rt/meter/ping_reliable", STRING, true, true, 100, 1000, 480, 1000},
    {"meter/pong_reliable", "rt/meter/pong_reliable", STRING, false, true, 100, 1000, 480, 1000},
};

const takt_service_t takt_services[TAKT_SERVICE_COUNT] = {{0}};
