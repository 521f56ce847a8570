/* The hardware edge as a simulated plant on a second UART; see edge.h. */
#include "edge.h"

#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>

#include "plant_stream.h"
#include "takt_contract.h"
#include "uart_line.h"

#define PLANT_UART DT_CHOSEN(takt_plant_uart)
#define PORTIONS   8u /* of 128 bytes, all that the ring holds: a flood must not hold the control thread */

BUILD_ASSERT(DT_PROP(PLANT_UART, current_speed) == TAKT_LINK_BAUD,
             "the plant stream runs at the link's baud rate");

RING_BUF_DECLARE(plant_rx, CONFIG_TAKT_PLANT_RING_BYTES);
RING_BUF_DECLARE(plant_tx, CONFIG_TAKT_PLANT_RING_BYTES);

static takt_uart_line_t line = {.uart = DEVICE_DT_GET(PLANT_UART), .rx = &plant_rx, .tx = &plant_tx};
static takt_plant_stream_t stream;

int takt_edge_open(void)
{
    takt_plant_stream_init(&stream);
    return takt_uart_line_open(&line);
}

void takt_edge_read(uint64_t now_ns, takt_encoder_sample_t *sample)
{
    uint8_t bytes[128];
    for (unsigned portion = 0; portion < PORTIONS; portion++) {
        const size_t count = takt_uart_line_read(&line, bytes, sizeof bytes);
        takt_plant_stream_receive(&stream, bytes, count, now_ns);
        if (count < sizeof bytes) {
            break;
        }
    }
    *sample = stream.sample;
}

/* With nobody at the other end the ring fills and frames are dropped: the driver there hears nothing and
 * brakes. */
void takt_edge_drive(const takt_drive_t *drive)
{
    uint8_t frame[TAKT_PLANT_FRAME_MAX];
    const size_t size = takt_plant_stream_encode(drive, frame);
    (void)takt_uart_line_write_whole(&line, frame, size);
}
