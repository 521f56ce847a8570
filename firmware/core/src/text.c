/* Numbers to text; see takt/text.h. */
#include "takt/text.h"

#include <math.h> /* fabsf */

void takt_text_init(takt_text_t *text, char *data, size_t capacity)
{
    *text = (takt_text_t){.data = data, .capacity = capacity};
    data[0] = '\0';
}

static void put(takt_text_t *text, char letter)
{
    if (text->size + 1u >= text->capacity) {
        text->cut = true;
        return;
    }
    text->data[text->size++] = letter;
    text->data[text->size] = '\0';
}

void takt_text_word(takt_text_t *text, const char *word)
{
    for (; *word != '\0'; word++) {
        put(text, *word);
    }
}

/* At least `digits` digits, with leading zeroes. */
static void put_padded(takt_text_t *text, uint64_t value, unsigned digits)
{
    char reversed[20]; /* 2^64 has 20 digits */
    unsigned count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0 || count < digits);
    while (count > 0) {
        put(text, reversed[--count]);
    }
}

void takt_text_u64(takt_text_t *text, uint64_t value)
{
    put_padded(text, value, 1u);
}

void takt_text_i64(takt_text_t *text, int64_t value)
{
    if (value < 0) {
        put(text, '-');
    }
    put_padded(text, value < 0 ? 0u - (uint64_t)value : (uint64_t)value, 1u);
}

void takt_text_fixed(takt_text_t *text, float value, unsigned decimals)
{
    if (!(fabsf(value) <= 1e9f)) {
        takt_text_word(text, "nan");
        return;
    }
    uint64_t scale = 1;
    for (unsigned n = 0; n < decimals && n < 6u; n++) {
        scale *= 10u;
    }
    const uint64_t scaled = (uint64_t)((double)fabsf(value) * (double)scale + 0.5);
    if (value < 0.0f && scaled > 0) {
        put(text, '-');
    }
    put_padded(text, scaled / scale, 1u);
    if (scale > 1u) {
        put(text, '.');
        put_padded(text, scaled % scale, decimals < 6u ? decimals : 6u);
    }
}
