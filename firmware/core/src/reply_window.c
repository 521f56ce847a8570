/* A window into a CDR reply; see reply_window.h. */
#include "reply_window.h"

#include <string.h> /* memcpy, strlen */

void takt_reply_u8(takt_reply_window_t *reply, unsigned value)
{
    const size_t place = reply->size - reply->from; /* wraps before the window: larger than any count */
    if (place < reply->count) {
        reply->bytes[place] = (uint8_t)value;
    }
    reply->size++;
}

static void put_number(takt_reply_window_t *reply, uint64_t value, size_t size)
{
    while (reply->size % size != 0) {
        takt_reply_u8(reply, 0);
    }
    for (size_t i = 0; i < size; i++) {
        takt_reply_u8(reply, (unsigned)(value >> (8u * i) & 0xFFu));
    }
}

void takt_reply_u32(takt_reply_window_t *reply, uint32_t value)
{
    put_number(reply, value, 4);
}

void takt_reply_u64(takt_reply_window_t *reply, uint64_t value)
{
    put_number(reply, value, 8);
}

void takt_reply_f64(takt_reply_window_t *reply, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(reply, bits, 8);
}

static void put_letters(takt_reply_window_t *reply, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        takt_reply_u8(reply, (uint8_t)text[i]);
    }
}

void takt_reply_string(takt_reply_window_t *reply, const char *text, size_t size)
{
    takt_reply_u32(reply, (uint32_t)size + 1u);
    put_letters(reply, text, size);
    takt_reply_u8(reply, 0);
}

void takt_reply_text(takt_reply_window_t *reply, const char *const *pieces, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += strlen(pieces[i]);
    }
    takt_reply_u32(reply, (uint32_t)size + 1u);
    for (unsigned i = 0; i < count; i++) {
        put_letters(reply, pieces[i], strlen(pieces[i]));
    }
    takt_reply_u8(reply, 0);
}
