/* The test program executed anew, as a board is by a reset: memory is lost, the simulated flash's file is
 * not. */
#ifndef TAKT_TEST_AGAIN_H
#define TAKT_TEST_AGAIN_H

#include <stdbool.h>

/* Whether takt_test_start_again led here. */
bool takt_test_is_second_start(void);

/* Does not return. */
void takt_test_start_again(void);

#endif
