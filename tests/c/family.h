/* Tests of what processes share: children that get handles, and what they must have done in the
 * end.
 */
#ifndef TESTS_C_FAMILY_H
#define TESTS_C_FAMILY_H

#include <signal.h>

#include "functions.h"

/* In a child: false ends it with a failure that names the condition. */
#define CHECK(condition)                                                                         \
  do {                                                                                           \
    if (!(condition)) {                                                                          \
      (void)!brood_task_fail(task, "CHECK", #condition, brood_error_message(brood_last_error()), \
                             NULL);                                                              \
      return;                                                                                    \
    }                                                                                            \
  } while (0)
#define CHILD(name) static void name(brood_task *task, void *context)

/* Registers a test's own functions, then does what test_begin() does. */
typedef struct child_function {
  const char *name;
  brood_function function;
} child_function;

static inline void family_begin(int argc, char **argv, const child_function *functions,
                                size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (brood_register(functions[i].name, functions[i].function, NULL, NULL) != BROOD_OK) exit(98);
  }
  test_begin(argc, argv);
}

/* Starts a function in a process of its own with a number and some handles. */
static inline brood_process *start_with(const char *function, int64_t number,
                                        brood_handle *const *handles, size_t count) {
  brood_msg *args = NULL;
  OK(brood_msg_create(&number, sizeof number, BROOD_CODEC_RAW, &args, NULL));
  for (size_t i = 0; i < count; ++i) OK(brood_msg_attach(args, handles[i], NULL));
  brood_process *process = NULL;
  OK(brood_process_start_msg(function, args, NULL, &process, NULL));
  return process;
}

static inline int64_t number_of(brood_task *task) {
  int64_t number = 0;
  memcpy(&number, brood_msg_data(brood_task_args(task)), sizeof number);
  return number;
}

/* The function has returned, and none of its checks failed. */
static inline void ended_well(brood_process *process) {
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  OK(brood_process_outcome(process, NULL));
  int32_t code = -1;
  OK(brood_process_exit_code(process, &code, NULL));
  assert_int_equal(code, 0);
  brood_process_free(process);
}

/* SIGKILL, and until nothing of it is left. */
static inline void kill_child(brood_process *process) {
  OK(brood_process_signal(process, SIGKILL, NULL));
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  brood_process_free(process);
}

#define RUN_WITH(functions, tests)                                             \
  int main(int argc, char **argv) {                                            \
    family_begin(argc, argv, functions, sizeof functions / sizeof *functions); \
    return RUN_TESTS(__FILE__, tests);                                         \
  }

#endif
