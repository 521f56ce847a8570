/* What the fuzz targets share: the entry point that libFuzzer calls, and an assertion that no build option
 * removes. */
#ifndef TAKT_FUZZ_TARGET_H
#define TAKT_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h> /* abort */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_require(condition) ((condition) ? (void)0 : abort())

#endif
