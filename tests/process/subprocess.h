/* What the tests of child processes share. */
#pragma once

#include <brood/brood.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Needs the above, which it does not include itself. */
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

/* Nothing here takes longer, unless it hangs. */
enum { LIMIT_MS = 20000 };

/* "/bin/sh -c script". */
brood_process *spawn_with(brood_process_options *options, const char *script);
brood_process *spawn(const char *script);
void join(brood_process *process);
/* Everything the script writes to its standard output; to be freed. */
char *output_with(brood_process_options *options, const char *script, size_t *size);
void assert_output(brood_process_options *options, const char *script, const char *wanted);
