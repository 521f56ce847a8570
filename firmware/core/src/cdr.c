/* Bounded CDR cursor; see takt/cdr.h. Bytes are put together by shifts, so any host byte order works. */
#include "takt/cdr.h"

#include <string.h> /* memcpy, memset, strlen, memcmp */

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "CDR floats are IEEE 754 single and double");

takt_string_t takt_string(const char *text)
{
    takt_string_t view = {text, 0};
    if (text != NULL) {
        view.size = (uint32_t)strlen(text);
    }
    return view;
}

bool takt_string_equal(takt_string_t string, const char *text)
{
    size_t size = strlen(text);
    return string.size == size && (size == 0 || memcmp(string.data, text, size) == 0);
}

void takt_cdr_writer(takt_cdr_t *cdr, uint8_t *data, size_t capacity)
{
    cdr->data = data;
    cdr->capacity = capacity;
    cdr->offset = 0;
    cdr->ok = true;
}

void takt_cdr_reader(takt_cdr_t *cdr, const uint8_t *data, size_t size)
{
    /* Readers never write through `data`; one cursor type for both keeps callers simple. */
    takt_cdr_writer(cdr, (uint8_t *)(uintptr_t)data, size);
}

size_t takt_cdr_remaining(const takt_cdr_t *cdr)
{
    return cdr->ok ? cdr->capacity - cdr->offset : 0;
}

size_t takt_cdr_written(const takt_cdr_t *cdr)
{
    return cdr->ok ? cdr->offset : 0;
}

/* Claims `count` bytes; NULL and a cleared `ok` when they are not there. */
static uint8_t *claim(takt_cdr_t *cdr, size_t count)
{
    if (!cdr->ok || count > cdr->capacity - cdr->offset) {
        cdr->ok = false;
        return NULL;
    }
    if (count == 0) { /* no arithmetic on a `data` that may be NULL for an empty message */
        return cdr->data;
    }
    uint8_t *place = cdr->data + cdr->offset;
    cdr->offset += count;
    return place;
}

static size_t padding(const takt_cdr_t *cdr, size_t alignment)
{
    return (alignment - (cdr->offset & (alignment - 1))) & (alignment - 1);
}

bool takt_cdr_write_align(takt_cdr_t *cdr, size_t alignment)
{
    size_t count = padding(cdr, alignment);
    uint8_t *place = claim(cdr, count);
    if (place != NULL && count > 0) {
        memset(place, 0, count);
    }
    return cdr->ok;
}

bool takt_cdr_read_align(takt_cdr_t *cdr, size_t alignment)
{
    (void)claim(cdr, padding(cdr, alignment));
    return cdr->ok;
}

static bool write_number(takt_cdr_t *cdr, uint64_t value, size_t size)
{
    takt_cdr_write_align(cdr, size);
    uint8_t *place = claim(cdr, size);
    if (place == NULL) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        place[i] = (uint8_t)(value >> (8 * i));
    }
    return true;
}

static uint64_t read_number(takt_cdr_t *cdr, size_t size)
{
    takt_cdr_read_align(cdr, size);
    const uint8_t *place = claim(cdr, size);
    uint64_t value = 0;
    for (size_t i = 0; place != NULL && i < size; i++) {
        value |= (uint64_t)place[i] << (8 * i);
    }
    return value;
}

bool takt_cdr_write_u8(takt_cdr_t *cdr, uint8_t value)
{
    return write_number(cdr, value, 1);
}

bool takt_cdr_write_u16(takt_cdr_t *cdr, uint16_t value)
{
    return write_number(cdr, value, 2);
}

bool takt_cdr_write_u32(takt_cdr_t *cdr, uint32_t value)
{
    return write_number(cdr, value, 4);
}

bool takt_cdr_write_u64(takt_cdr_t *cdr, uint64_t value)
{
    return write_number(cdr, value, 8);
}

bool takt_cdr_write_i8(takt_cdr_t *cdr, int8_t value)
{
    return write_number(cdr, (uint8_t)value, 1);
}

bool takt_cdr_write_i16(takt_cdr_t *cdr, int16_t value)
{
    return write_number(cdr, (uint16_t)value, 2);
}

bool takt_cdr_write_i32(takt_cdr_t *cdr, int32_t value)
{
    return write_number(cdr, (uint32_t)value, 4);
}

bool takt_cdr_write_i64(takt_cdr_t *cdr, int64_t value)
{
    return write_number(cdr, (uint64_t)value, 8);
}

bool takt_cdr_write_f32(takt_cdr_t *cdr, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return write_number(cdr, bits, 4);
}

bool takt_cdr_write_f64(takt_cdr_t *cdr, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return write_number(cdr, bits, 8);
}

bool takt_cdr_write_bool(takt_cdr_t *cdr, bool value)
{
    return write_number(cdr, value ? 1 : 0, 1);
}

bool takt_cdr_read_u8(takt_cdr_t *cdr, uint8_t *value)
{
    *value = (uint8_t)read_number(cdr, 1);
    return cdr->ok;
}

bool takt_cdr_read_u16(takt_cdr_t *cdr, uint16_t *value)
{
    *value = (uint16_t)read_number(cdr, 2);
    return cdr->ok;
}

bool takt_cdr_read_u32(takt_cdr_t *cdr, uint32_t *value)
{
    *value = (uint32_t)read_number(cdr, 4);
    return cdr->ok;
}

bool takt_cdr_read_u64(takt_cdr_t *cdr, uint64_t *value)
{
    *value = read_number(cdr, 8);
    return cdr->ok;
}

/* memcpy gives the two's complement value without the implementation-defined narrowing conversion. */
bool takt_cdr_read_i8(takt_cdr_t *cdr, int8_t *value)
{
    uint8_t bits = (uint8_t)read_number(cdr, 1);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_i16(takt_cdr_t *cdr, int16_t *value)
{
    uint16_t bits = (uint16_t)read_number(cdr, 2);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_i32(takt_cdr_t *cdr, int32_t *value)
{
    uint32_t bits = (uint32_t)read_number(cdr, 4);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_i64(takt_cdr_t *cdr, int64_t *value)
{
    uint64_t bits = read_number(cdr, 8);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_f32(takt_cdr_t *cdr, float *value)
{
    uint32_t bits = (uint32_t)read_number(cdr, 4);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_f64(takt_cdr_t *cdr, double *value)
{
    uint64_t bits = read_number(cdr, 8);
    memcpy(value, &bits, sizeof bits);
    return cdr->ok;
}

bool takt_cdr_read_bool(takt_cdr_t *cdr, bool *value)
{
    uint64_t byte = read_number(cdr, 1);
    cdr->ok = cdr->ok && byte <= 1;
    *value = cdr->ok && byte == 1;
    return cdr->ok;
}

bool takt_cdr_write_string(takt_cdr_t *cdr, takt_string_t string)
{
    if (string.size == UINT32_MAX) { /* no room for the NUL in the size field */
        cdr->ok = false;
        return false;
    }
    takt_cdr_write_u32(cdr, string.size + 1);
    takt_cdr_write_bytes(cdr, string.data, string.size);
    return takt_cdr_write_u8(cdr, 0);
}

bool takt_cdr_read_string(takt_cdr_t *cdr, takt_string_t *string)
{
    uint32_t size;
    string->data = NULL;
    string->size = 0;
    if (!takt_cdr_read_u32(cdr, &size) || size == 0) {
        return cdr->ok;
    }
    const uint8_t *place = claim(cdr, size);
    if (place == NULL || place[size - 1] != 0) {
        cdr->ok = false;
        return false;
    }
    string->data = (const char *)place;
    string->size = size - 1;
    return true;
}

bool takt_cdr_write_bytes(takt_cdr_t *cdr, const void *bytes, size_t count)
{
    uint8_t *place = claim(cdr, count);
    if (place != NULL && count > 0) { /* memcpy may not be given NULL, even for no bytes */
        memcpy(place, bytes, count);
    }
    return cdr->ok;
}

bool takt_cdr_read_bytes(takt_cdr_t *cdr, void *bytes, size_t count)
{
    const uint8_t *place = claim(cdr, count);
    if (place != NULL && count > 0) {
        memcpy(bytes, place, count);
    } else if (count > 0) {
        memset(bytes, 0, count);
    }
    return cdr->ok;
}

const uint8_t *takt_cdr_read_view(takt_cdr_t *cdr, size_t count)
{
    return claim(cdr, count);
}
