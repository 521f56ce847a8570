/* Runs a fuzz target over a corpus without libFuzzer, so that any compiler's sanitizers can judge it.
 *
 * Usage: replay_TARGET FILE. One input a line, in hexadecimal; prints how many it ran. */
#include <stdbool.h>
#include <stdio.h>

#include "fuzz_target.h"

#define INPUT_MAX 4096u

static int digit(int letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Size of the next line's input; -1: something else than pairs of digits. False at the end of the file. */
static bool next_input(FILE *file, uint8_t *input, long *size)
{
    *size = 0;
    for (int letter = fgetc(file); letter != '\n'; letter = fgetc(file)) {
        if (letter == EOF) {
            return false;
        }
        const int high = digit(letter);
        const int low = digit(fgetc(file));
        if (high < 0 || low < 0 || *size >= (long)INPUT_MAX) {
            *size = -1;
            return true;
        }
        input[(*size)++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int main(int count, char **arguments)
{
    FILE *file = count == 2 ? fopen(arguments[1], "r") : NULL;
    if (file == NULL) {
        fputs("usage: replay_TARGET FILE\n", stderr);
        return 2;
    }
    static uint8_t input[INPUT_MAX];
    unsigned long inputs = 0;
    long size = 0;
    while (next_input(file, input, &size)) {
        if (size < 0) {
            fprintf(stderr, "error: input %lu is no line of hexadecimal pairs\n", inputs + 1u);
            fclose(file);
            return 2;
        }
        uint8_t *exact = malloc(size > 0 ? (size_t)size : 1u);
        if (exact == NULL) {
            return 2;
        }
        for (long i = 0; i < size; i++) {
            exact[i] = input[i];
        }
        (void)LLVMFuzzerTestOneInput(exact, (size_t)size);
        free(exact);
        inputs++;
    }
    fclose(file);
    printf("%lu\n", inputs);
    return 0;
}
