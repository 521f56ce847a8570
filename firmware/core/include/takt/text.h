/* Numbers to text without the C library's printf: takt_text_t, a bounded buffer that stays NUL-terminated.
 *
 * What does not fit is cut; `cut` tells. */
#ifndef TAKT_TEXT_H
#define TAKT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *data;
    size_t capacity; /* with room for the NUL; at least 1 */
    size_t size;     /* without the NUL */
    bool cut;
} takt_text_t;

void takt_text_init(takt_text_t *text, char *data, size_t capacity);
void takt_text_word(takt_text_t *text, const char *word);
void takt_text_u64(takt_text_t *text, uint64_t value);
void takt_text_i64(takt_text_t *text, int64_t value);

/* `decimals` digits after the point, at most 6, rounded; "nan" for what is not a number or beyond +-1e9. */
void takt_text_fixed(takt_text_t *text, float value, unsigned decimals);

#endif
