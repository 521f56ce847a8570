/* CDR cursor (XCDR1, little endian, no encapsulation header): bounded reads and writes with alignment.
 *
 * Alignment counts from `data`. The first operation that does not fit clears `ok`; from then on every
 * operation fails, moves nothing and reads as zero, so a caller may check once at the end. Nothing outside
 * [data, data + capacity) is touched, whatever the bytes say. Padding is written as zero.
 */
#ifndef TAKT_CDR_H
#define TAKT_CDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;
    size_t capacity; /* writer: room; reader: bytes present */
    size_t offset;   /* bytes written or read so far */
    bool ok;
} takt_cdr_t;

/* Characters that belong to somebody else; not NUL-terminated. `size` leaves out the NUL that travels on the
 * wire. A view that was read points into the cursor's bytes and lives as long as they do. */
typedef struct {
    const char *data;
    uint32_t size;
} takt_string_t;

/* View of a NUL-terminated string, which must outlive the view; NULL gives the empty string. */
takt_string_t takt_string(const char *text);
bool takt_string_equal(takt_string_t string, const char *text);

void takt_cdr_writer(takt_cdr_t *cdr, uint8_t *data, size_t capacity);
void takt_cdr_reader(takt_cdr_t *cdr, const uint8_t *data, size_t size);
size_t takt_cdr_remaining(const takt_cdr_t *cdr);
size_t takt_cdr_written(const takt_cdr_t *cdr); /* bytes of what fitted whole; 0 if it did not */

/* Moves to the next multiple of `alignment` (1, 2, 4 or 8): writing fills with zero, reading skips. */
bool takt_cdr_write_align(takt_cdr_t *cdr, size_t alignment);
bool takt_cdr_read_align(takt_cdr_t *cdr, size_t alignment);

/* Numbers align themselves to their own size. */
bool takt_cdr_write_u8(takt_cdr_t *cdr, uint8_t value);
bool takt_cdr_write_u16(takt_cdr_t *cdr, uint16_t value);
bool takt_cdr_write_u32(takt_cdr_t *cdr, uint32_t value);
bool takt_cdr_write_u64(takt_cdr_t *cdr, uint64_t value);
bool takt_cdr_write_i8(takt_cdr_t *cdr, int8_t value);
bool takt_cdr_write_i16(takt_cdr_t *cdr, int16_t value);
bool takt_cdr_write_i32(takt_cdr_t *cdr, int32_t value);
bool takt_cdr_write_i64(takt_cdr_t *cdr, int64_t value);
bool takt_cdr_write_f32(takt_cdr_t *cdr, float value);
bool takt_cdr_write_f64(takt_cdr_t *cdr, double value);
bool takt_cdr_write_bool(takt_cdr_t *cdr, bool value);

bool takt_cdr_read_u8(takt_cdr_t *cdr, uint8_t *value);
bool takt_cdr_read_u16(takt_cdr_t *cdr, uint16_t *value);
bool takt_cdr_read_u32(takt_cdr_t *cdr, uint32_t *value);
bool takt_cdr_read_u64(takt_cdr_t *cdr, uint64_t *value);
bool takt_cdr_read_i8(takt_cdr_t *cdr, int8_t *value);
bool takt_cdr_read_i16(takt_cdr_t *cdr, int16_t *value);
bool takt_cdr_read_i32(takt_cdr_t *cdr, int32_t *value);
bool takt_cdr_read_i64(takt_cdr_t *cdr, int64_t *value);
bool takt_cdr_read_f32(takt_cdr_t *cdr, float *value);
bool takt_cdr_read_f64(takt_cdr_t *cdr, double *value);
bool takt_cdr_read_bool(takt_cdr_t *cdr, bool *value); /* a byte other than 0 and 1 is an error */

/* u32 size with NUL, characters, NUL. Reading takes a size of 0 as the empty string, as other writers send
 * it, and refuses a string whose last byte is not NUL. */
bool takt_cdr_write_string(takt_cdr_t *cdr, takt_string_t string);
bool takt_cdr_read_string(takt_cdr_t *cdr, takt_string_t *string);

/* Plain bytes: no size in front, no alignment. A view is NULL when the bytes are not there. */
bool takt_cdr_write_bytes(takt_cdr_t *cdr, const void *bytes, size_t count);
bool takt_cdr_read_bytes(takt_cdr_t *cdr, void *bytes, size_t count);
const uint8_t *takt_cdr_read_view(takt_cdr_t *cdr, size_t count);

#endif
