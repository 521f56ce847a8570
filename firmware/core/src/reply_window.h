/* CDR of which only a window is kept: a reply of any size is written again for each part of it that is sent.
 *
 * Everything before the window is counted, everything behind it too; padding is zero. Alignment counts from
 * the reply's first byte. */
#ifndef TAKT_REPLY_WINDOW_H
#define TAKT_REPLY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes; /* of the window */
    size_t from;    /* place of the window in the reply */
    size_t count;
    size_t size; /* of the reply so far */
} takt_reply_window_t;

void takt_reply_u8(takt_reply_window_t *reply, unsigned value);
void takt_reply_u32(takt_reply_window_t *reply, uint32_t value);
void takt_reply_u64(takt_reply_window_t *reply, uint64_t value);
void takt_reply_f64(takt_reply_window_t *reply, double value);
void takt_reply_text(takt_reply_window_t *reply, const char *const *pieces, unsigned count); /* one string */
void takt_reply_string(takt_reply_window_t *reply, const char *text, size_t size);

#endif
