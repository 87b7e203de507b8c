/* A worker in C, for a host in Ruby. It knows of MessagePack only where a handle is: beside the
 * bytes. */
#include <brood/brood.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void must(brood_status status) {
  if (status != BROOD_OK) abort();
}

/* Raw bytes in, the same bytes backwards out. */
static void reverse(brood_task *task, void *context) {
  const char *text = brood_msg_data(brood_task_args(task));
  const size_t size = brood_msg_size(brood_task_args(task));
  char *back = malloc(size + 1);
  (void)context;
  for (size_t i = 0; i < size; ++i) back[i] = text[size - 1 - i];
  must(brood_task_reply(task, back, size, BROOD_CODEC_RAW, NULL));
  free(back);
}

static void refuse(brood_task *task, void *context) {
  (void)context;
  must(brood_task_fail(task, "c.Refusal", "not in the mood", "c_worker.c:26\nc_worker.c:40", NULL));
}

static void crash(brood_task *task, void *context) {
  (void)task;
  (void)context;
  raise(SIGSEGV);
}

/* The argument is a queue: puts a text and the MessagePack integer 42 in. */
static void produce(brood_task *task, void *context) {
  brood_queue *queue;
  (void)context;
  must(brood_msg_take_queue(brood_task_args(task), 0, &queue, NULL));
  must(brood_queue_put(queue, "text", 4, BROOD_CODEC_TEXT, BROOD_FOREVER, NULL, NULL));
  must(brood_queue_put(queue, "\x2a", 1, BROOD_CODEC_MSGPACK, BROOD_FOREVER, NULL, NULL));
  brood_queue_free(queue);
}

/* The argument is a shared array of 64-bit integers: doubles each, under its lock. */
static void twice(brood_task *task, void *context) {
  brood_shared *shared;
  (void)context;
  must(brood_msg_take_shared(brood_task_args(task), 0, &shared, NULL));
  must(brood_shared_lock(shared, 0, BROOD_FOREVER, NULL, NULL));
  int64_t *elements = brood_shared_data(shared);
  for (uint64_t i = 0; i < brood_shared_count(shared); ++i) elements[i] *= 2;
  must(brood_shared_unlock(shared, 0, NULL));
  brood_shared_free(shared);
}

int main(int argc, char **argv) {
  must(brood_register("reverse", reverse, NULL, NULL));
  must(brood_register("refuse", refuse, NULL, NULL));
  must(brood_register("crash", crash, NULL, NULL));
  must(brood_register("produce", produce, NULL, NULL));
  must(brood_register("twice", twice, NULL, NULL));
  must(brood_init(argc, argv, NULL, NULL));
  return 1; /* only a worker has anything to do here */
}
