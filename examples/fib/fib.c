/*
 * The classic first example: two Fibonacci numbers in two processes, then many with a pool.
 *
 * What travels between processes is bytes; here a number in each direction.
 */
#include <brood/brood.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(brood_status status) {
  if (status != BROOD_OK) {
    fprintf(stderr, "fib: %s\n", brood_error_message(brood_last_error()));
    exit(1);
  }
}

static uint64_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static uint32_t argument_of(brood_task *task) {
  uint32_t n = 0;
  if (brood_msg_size(brood_task_args(task)) == sizeof n) {
    memcpy(&n, brood_msg_data(brood_task_args(task)), sizeof n);
  }
  return n;
}

/* snippet: function */
static void fib_task(brood_task *task, void *context) {
  uint64_t result = fib(argument_of(task));
  (void)context;
  must(brood_task_reply(task, &result, sizeof result, BROOD_CODEC_RAW, NULL));
}
/* snippet end */

/* A process of its own has no caller to reply to: it prints. */
static void print_fib(brood_task *task, void *context) {
  uint32_t n = argument_of(task);
  (void)context;
  printf("fib(%u) = %llu", n, (unsigned long long)fib(n));
  fflush(stdout);
}

static void two_processes(void) {
  const uint32_t inputs[2] = {27, 28};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  brood_process *processes[2];
  options.standard_output.kind = BROOD_STDIO_PIPE;
  for (int i = 0; i < 2; ++i) {
    must(brood_process_start("print_fib", &inputs[i], sizeof inputs[i], &options, &processes[i],
                             NULL));
  }
  for (int i = 0; i < 2; ++i) {
    char text[64];
    size_t size = 0;
    must(brood_process_read(processes[i], 1, text, sizeof text, BROOD_FOREVER, NULL, &size, NULL));
    must(brood_process_join(processes[i], BROOD_FOREVER, NULL, NULL));
    printf("process %d says: %.*s\n", i + 1, (int)size, text);
    brood_process_free(processes[i]);
  }
}

static void map_with_a_pool(void) {
  enum { kCount = 25 };
  uint32_t inputs[kCount];
  brood_bytes items[kCount];
  for (uint32_t i = 0; i < kCount; ++i) {
    inputs[i] = i;
    items[i].data = &inputs[i];
    items[i].size = sizeof inputs[i];
  }
  /* snippet: map */
  brood_pool *pool;
  brood_stream *results;
  brood_msg *result;
  uint64_t index;

  must(brood_pool_create(NULL, &pool, NULL)); /* as many workers as CPUs */
  must(brood_pool_map(pool, "fib", items, kCount, NULL, &results, NULL));
  while (brood_stream_next(results, BROOD_FOREVER, NULL, &index, &result, NULL) == BROOD_OK) {
    uint64_t value;
    memcpy(&value, brood_msg_data(result), sizeof value);
    printf("fib(%u) = %llu\n", inputs[index], (unsigned long long)value);
    brood_msg_free(result);
  }
  /* snippet end */
  if (brood_error_code(brood_last_error()) != BROOD_E_CLOSED) {
    must(brood_error_code(brood_last_error()));
  }
  brood_stream_free(results);
  must(brood_pool_shutdown(pool, NULL));
  must(brood_pool_join(pool, BROOD_FOREVER, NULL, NULL));
  brood_pool_free(pool);
}

/* snippet: main */
int main(int argc, char **argv) {
  must(brood_register("fib", fib_task, NULL, NULL));
  must(brood_register("print_fib", print_fib, NULL, NULL));
  must(brood_init(argc, argv, NULL, NULL)); /* a worker does not come back from here */
  /* snippet end */
  two_processes();
  map_with_a_pool();
  return 0;
}
