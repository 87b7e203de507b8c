/* A worker in C for Go's tests: bytes without encoding, and handles. */
#include <brood/brood.h>
#include <stdlib.h>
#include <string.h>

static void must(brood_status status) {
  if (status != BROOD_OK) exit(9);
}

static void twice(brood_task *task, void *context) {
  int64_t number = 0;
  (void)context;
  if (brood_msg_size(brood_task_args(task)) == sizeof number) {
    memcpy(&number, brood_msg_data(brood_task_args(task)), sizeof number);
  }
  number *= 2;
  must(brood_task_reply(task, &number, sizeof number, BROOD_CODEC_RAW, NULL));
}

static void complain(brood_task *task, void *context) {
  (void)context;
  must(brood_task_fail(task, "c.error", "it went wrong", "c_worker.c: complain", NULL));
}

static void crash(brood_task *task, void *context) {
  (void)task;
  (void)context;
  exit(7);
}

/* Gives back each message of a queue as it is, until one is empty. */
static void mirror(brood_task *task, void *context) {
  brood_queue *queue;
  brood_queue *out;
  (void)context;
  must(brood_msg_take_queue(brood_task_args(task), 0, &queue, NULL));
  must(brood_msg_take_queue(brood_task_args(task), 1, &out, NULL));
  for (;;) {
    brood_msg *msg;
    brood_status status = brood_queue_get(queue, BROOD_FOREVER, NULL, &msg, NULL);
    if (status == BROOD_E_CLOSED) break;
    must(status);
    must(brood_queue_put(out, brood_msg_data(msg), brood_msg_size(msg), brood_msg_codec(msg),
                         BROOD_FOREVER, NULL, NULL));
    brood_msg_free(msg);
  }
  brood_queue_free(queue);
  brood_queue_free(out);
}

static void scale(brood_task *task, void *context) {
  brood_shared *shared;
  (void)context;
  must(brood_msg_take_shared(brood_task_args(task), 0, &shared, NULL));
  double *elements = brood_shared_data(shared);
  for (uint64_t i = 0; i < brood_shared_count(shared); ++i) elements[i] *= 2;
  brood_shared_free(shared);
}

static void lock_and_exit(brood_task *task, void *context) {
  brood_lock *lock;
  (void)context;
  must(brood_msg_take_lock(brood_task_args(task), 0, &lock, NULL));
  must(brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL));
  _Exit(0);
}

int main(int argc, char **argv) {
  must(brood_register("twice", twice, NULL, NULL));
  must(brood_register("complain", complain, NULL, NULL));
  must(brood_register("crash", crash, NULL, NULL));
  must(brood_register("mirror", mirror, NULL, NULL));
  must(brood_register("scale", scale, NULL, NULL));
  must(brood_register("lock_and_exit", lock_and_exit, NULL, NULL));
  must(brood_init(argc, argv, NULL, NULL));
  return 8; /* this program is a worker only */
}
