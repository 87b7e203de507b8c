/* What the tests' workers can do, and the few checks that every test needs. */
#ifndef TESTS_C_FUNCTIONS_H
#define TESTS_C_FUNCTIONS_H

#include <brood/brood.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those first. */
#include <cmocka.h>

/* Registers every function below and calls brood_init(); ends the program if that fails. In a
 * worker it does not return. */
void test_begin(int argc, char **argv);

/* Runs a program's tests. Promise 12: each must leave everything as it was, see inspect.h. */
#define RUN_TESTS(name, tests) run_clean_tests(name, tests, sizeof(tests) / sizeof *(tests))
int run_clean_tests(const char *name, const struct CMUnitTest *tests, size_t count);

/* BROOD_OK, or the test fails with the error's story. */
#define OK(call)                                                  \
  do {                                                            \
    const brood_status ok_status = (call);                        \
    if (ok_status != BROOD_OK)                                    \
      fail_msg("%s: %s: %s", #call, brood_status_name(ok_status), \
               brood_error_message(brood_last_error()));          \
  } while (0)

/* Exactly this failure. */
#define FAILS(expected, call)                                                \
  do {                                                                       \
    const brood_status fails_status = (call);                                \
    if (fails_status != (expected))                                          \
      fail_msg("%s: %s, not %s: %s", #call, brood_status_name(fails_status), \
               brood_status_name(expected),                                  \
               fails_status ? brood_error_message(brood_last_error()) : ""); \
  } while (0)

/* The last error's text contains this. */
#define SAYS(text)                                                                       \
  do {                                                                                   \
    if (strstr(brood_error_message(brood_last_error()), (text)) == NULL)                 \
      fail_msg("\"%s\" is not in: %s", (text), brood_error_message(brood_last_error())); \
  } while (0)

#define LONG_MS 20000 /* more than anything may take: a hang is a failure, not a stuck run */

brood_pool *make_pool(uint32_t workers);
/* shutdown, join, free */
void end_pool(brood_pool *pool);
brood_future *submit(brood_pool *pool, const char *function, const void *data, size_t size);
brood_future *submit_limited(brood_pool *pool, const char *function, int64_t run_limit_ms);
/* The result as int64; fails the test if it is no int64. */
int64_t int_result(brood_future *future);
int64_t call_int(brood_pool *pool, const char *function, int64_t argument);
int64_t now_ms(void);
/* True once `ready(context)` is; false if that does not come within LONG_MS. */
bool eventually(bool (*ready)(void *context), void *context);
/* Waits until the worker `pid` runs "wait_for_file" for this path. */
bool is_waiting_for_file(const char *path, int64_t pid);
bool process_is_gone(int64_t pid);
/* The pids of a pool's workers that are up, sorted by worker number. */
size_t worker_pids(brood_pool *pool, int64_t *pids, size_t capacity);

#endif
