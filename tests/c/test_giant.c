/* Messages of 1 GiB, through a queue and a pipe, between processes. */
#include "family.h"

enum { kNeededMb = 6000, kLongMs = 3 * LONG_MS };
static const size_t kGiant = (size_t)1 << 30;

static uint64_t word_at(size_t index) { return index * UINT64_C(0x9e3779b97f4a7c15); }

static void fill(void *data) {
  uint64_t *words = data;
  for (size_t i = 0; i < kGiant / sizeof *words; ++i) words[i] = word_at(i);
}

static bool is_whole(brood_msg *msg) {
  const uint64_t *words = brood_msg_data(msg);
  if (brood_msg_size(msg) != kGiant) return false;
  for (size_t i = 0; i < kGiant / sizeof *words; ++i) {
    if (words[i] != word_at(i)) return false;
  }
  return true;
}

/* handles: a queue, a pipe's end. Takes from the queue, and sends a copy through the pipe. */
CHILD(takes_and_sends) {
  (void)context;
  brood_queue *queue = NULL;
  brood_pipe *pipe = NULL;
  brood_msg *msg = NULL;
  CHECK(brood_msg_take_queue(brood_task_args(task), 0, &queue, NULL) == BROOD_OK);
  CHECK(brood_msg_take_pipe(brood_task_args(task), 1, &pipe, NULL) == BROOD_OK);
  CHECK(brood_queue_get(queue, kLongMs, NULL, &msg, NULL) == BROOD_OK);
  CHECK(is_whole(msg));
  CHECK(brood_pipe_send(pipe, brood_msg_data(msg), brood_msg_size(msg), BROOD_CODEC_RAW, kLongMs,
                        NULL, NULL) == BROOD_OK);
  brood_msg_free(msg);
  brood_queue_free(queue);
  brood_pipe_free(pipe);
}

static long available_mb(void) {
  char line[128];
  long kib = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "MemAvailable: %ld kB", &kib) == 1) break;
  }
  if (file != NULL) fclose(file);
  return kib / 1024;
}

static void a_gibibyte_through_a_queue_and_a_pipe(void **state) {
  (void)state;
#ifdef __SANITIZE_THREAD__
  print_message("not run: ThreadSanitizer keeps four bytes for each\n");
  skip();
#endif
  if (available_mb() < kNeededMb) {
    print_message("not run: %ld MB of memory are available, it takes %d\n", available_mb(),
                  kNeededMb);
    skip();
  }
  brood_queue *queue = NULL;
  brood_pipe *here = NULL, *there = NULL;
  brood_msg *msg = NULL;
  OK(brood_queue_create(NULL, &queue, NULL));
  OK(brood_pipe_create(true, &here, &there, NULL));
  brood_handle *handles[] = {brood_queue_handle(queue), brood_pipe_handle(there)};
  brood_process *process = start_with("takes_and_sends", 0, handles, 2);
  brood_pipe_free(there);
  OK(brood_queue_loan(queue, kGiant, BROOD_CODEC_RAW, &msg, NULL));
  fill(brood_msg_data(msg));
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  OK(brood_pipe_recv(here, kLongMs, NULL, &msg, NULL));
  assert_true(is_whole(msg));
  ended_well(process);
  /* What was received goes on as it is, and back by a copy. */
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  OK(brood_queue_put(queue, brood_msg_data(msg), kGiant, BROOD_CODEC_RAW, 0, NULL, NULL));
  brood_msg_free(msg);
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  assert_true(is_whole(msg));
  brood_msg_free(msg);
  brood_queue_free(queue);
  brood_pipe_free(here);
}

static const child_function functions[] = {{"takes_and_sends", takes_and_sends}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_gibibyte_through_a_queue_and_a_pipe),
};
RUN_WITH(functions, tests)
