/* Parameters in the simulated flash, whose file outlives the program. */
#include <string.h>

#include <zephyr/devicetree.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/ztest.h>

#include "again.h"
#include "parameter_store.h"

#define STORE      DT_CHOSEN(takt_parameter_store)
#define SIZE       DT_REG_SIZE(STORE)
#define SLOT_BYTES 512
#define SLOTS      (SIZE / SLOT_BYTES / 2u)
#define GAIN       TAKT_PARAMETER_CONTROL_KP_PER_RAD_S

static takt_parameters_t parameters;
static const struct flash_area *flash;
static uint8_t seen[SIZE];
static uint8_t now_there[SIZE];
static uint32_t now_ms;
static double left;

static void start_anew(void)
{
    takt_parameters_init(&parameters);
    zassert_ok(takt_parameter_store_open(&parameters));
}

/* An accepted request, as the services leave it. */
static void set_gain(double value)
{
    parameters.values[GAIN] = value;
    parameters.changes++;
}

/* The link thread for two seconds. */
static void poll(bool armed)
{
    for (unsigned i = 0; i < 2000; i++) {
        takt_parameter_store_poll(&parameters, armed, now_ms++);
    }
}

static void look(uint8_t *bytes)
{
    zassert_ok(flash_area_read(flash, 0, bytes, SIZE));
}

/* What the program before this one left, read before any test erases it. */
static void *find_what_was_left(void)
{
    zassert_ok(flash_area_open(DT_FIXED_PARTITION_ID(STORE), &flash));
    if (takt_test_is_second_start()) {
        start_anew();
        left = takt_parameters_value(&parameters, GAIN);
    }
    return NULL;
}

static void begin_blank(void *fixture)
{
    ARG_UNUSED(fixture);
    zassert_ok(flash_area_erase(flash, 0, SIZE));
    start_anew();
}

ZTEST_SUITE(parameter_store, NULL, find_what_was_left, begin_blank, NULL, NULL);

ZTEST(parameter_store, test_a_value_outlives_the_program)
{
    if (!takt_test_is_second_start()) {
        set_gain(0.125);
        poll(false);
        takt_test_start_again();
    }
    zassert_not_equal(takt_parameters_value(&parameters, GAIN), 0.125);
    zassert_equal(left, 0.125);
}

ZTEST(parameter_store, test_every_value_comes_back_under_its_own_name)
{
    for (unsigned p = 0; p < TAKT_PARAMETER_COUNT; p++) {
        parameters.values[p] = takt_parameter_table[p].low;
    }
    parameters.changes++;
    poll(false);
    start_anew();
    for (unsigned p = 0; p < TAKT_PARAMETER_COUNT; p++) {
        zassert_equal(takt_parameters_value(&parameters, p), takt_parameter_table[p].low, "%s",
                      takt_parameter_table[p].name);
    }
}

ZTEST(parameter_store, test_nothing_is_written_while_armed)
{
    look(seen);
    set_gain(0.25);
    poll(true);
    look(now_there);
    zassert_mem_equal(seen, now_there, SIZE);
    poll(false);
    start_anew();
    zassert_equal(takt_parameters_value(&parameters, GAIN), 0.25);
}

ZTEST(parameter_store, test_a_row_of_changes_is_one_save)
{
    const unsigned room = takt_parameter_store_room();
    for (unsigned i = 1; i <= 500; i++) { /* a slider that is drawn */
        set_gain(0.0005 * i);
        takt_parameter_store_poll(&parameters, false, now_ms += 10);
    }
    zassert_equal(takt_parameter_store_room(), room);
    poll(false);
    poll(false);
    zassert_equal(takt_parameter_store_room(), room - 1u);
}

ZTEST(parameter_store, test_a_set_that_the_power_cut_short_is_passed_over)
{
    set_gain(0.2);
    poll(false);
    const unsigned slot = SLOTS - takt_parameter_store_room();
    look(seen);
    uint8_t half[96];
    memcpy(half, &seen[(slot - 1u) * SLOT_BYTES], sizeof half);
    half[4]++; /* a newer number, and an end that was never written */
    zassert_ok(flash_area_write(flash, (off_t)(slot * SLOT_BYTES), half, sizeof half));
    start_anew();
    zassert_equal(takt_parameters_value(&parameters, GAIN), 0.2);
    zassert_equal(takt_parameter_store_room(), SLOTS - slot - 1u, "what is not blank is not written to");
    set_gain(0.3);
    poll(false);
    start_anew();
    zassert_equal(takt_parameters_value(&parameters, GAIN), 0.3);
}

ZTEST(parameter_store, test_a_running_board_never_erases_and_the_next_start_makes_room)
{
    for (unsigned i = 0; takt_parameter_store_room() > 0; i++) {
        zassert_true(i <= SLOTS);
        set_gain(0.1 + 0.001 * i);
        poll(false);
    }
    const double last = takt_parameters_value(&parameters, GAIN);
    look(seen);
    set_gain(0.4);
    poll(false);
    look(now_there);
    zassert_mem_equal(seen, now_there, SIZE, "only an erase could have made room");
    zassert_equal(takt_parameters_value(&parameters, GAIN), 0.4, "it holds until power-off");
    for (unsigned start = 0; start < 3; start++) { /* both areas take their turn */
        start_anew();
        zassert_true(takt_parameter_store_room() >= SLOTS / 2u);
        zassert_equal(takt_parameters_value(&parameters, GAIN), last);
        while (takt_parameter_store_room() > 0) {
            set_gain(last);
            poll(false);
        }
    }
}

ZTEST(parameter_store, test_an_erase_that_the_power_cut_short_loses_nothing)
{
    set_gain(0.35);
    poll(false);
    const unsigned other = 1; /* a blank store begins with area 0 */
    const uint8_t remains[64] = {0x12, 0x34};
    zassert_ok(
        flash_area_write(flash, (off_t)((other * SLOTS + SLOTS / 2u) * SLOT_BYTES), remains, sizeof remains));
    while (takt_parameter_store_room() > 0) {
        set_gain(0.35);
        poll(false);
    }
    start_anew(); /* goes over to the other area, which is not blank */
    zassert_equal(takt_parameters_value(&parameters, GAIN), 0.35);
    zassert_equal(takt_parameter_store_room(), SLOTS - 1u);
}
