/* Host side of a new start; see again.h. */
#include "again.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "nsi_cmdline.h"

#define MARK "TAKT_TEST_SECOND_START"

bool takt_test_is_second_start(void)
{
    return getenv(MARK) != NULL;
}

void takt_test_start_again(void)
{
    int count = 0;
    char **arguments = NULL;
    nsi_get_cmd_line_args(&count, &arguments);
    (void)setenv(MARK, "1", 1);
    (void)fflush(NULL);
    execv("/proc/self/exe", arguments);
    perror("error: the program cannot be executed anew");
    _exit(2);
}
