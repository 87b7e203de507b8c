#include "stages.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"

/* A stage's own handles to what came with its task. */
typedef struct post {
  plan plan;
  brood_queue *from;
  brood_queue *to;
} post;

static brood_queue *take_queue(brood_task *task, size_t index) {
  brood_queue *queue = NULL;
  must(brood_msg_take_queue(brood_task_args(task), index, &queue, NULL));
  return queue;
}

static brood_shared *take_shared(brood_task *task, size_t index) {
  brood_shared *shared = NULL;
  must(brood_msg_take_shared(brood_task_args(task), index, &shared, NULL));
  return shared;
}

static void fail(const char *path, const char *why) {
  fprintf(stderr, "pipeline: %s: %s\n", path, why);
  exit(1);
}

static plan plan_of(brood_task *task) {
  plan plan;
  struct timespec now;
  memcpy(&plan, brood_msg_data(brood_task_args(task)), sizeof plan);
  clock_gettime(CLOCK_MONOTONIC, &now);
  srandom((unsigned)getpid() ^ (unsigned)now.tv_nsec);
  return plan;
}

/* The worst moments to die are those when one of two things is done: --cut makes them happen. */
static void perhaps_die(const plan *plan) {
  if (plan->cut != 0 && (uint64_t)random() % plan->cut == 0) raise(SIGKILL);
}

/* ---- read: the log in chunks ------------------------------------------------------------------
 */

static void put_chunk(brood_queue *texts, uint64_t number, const char *text, size_t size) {
  const chunk_head head = {number, 0, size};
  brood_msg *msg = NULL;
  must(brood_queue_loan(texts, sizeof head + size, BROOD_CODEC_RAW, &msg, NULL));
  memcpy(brood_msg_data(msg), &head, sizeof head);
  memcpy((char *)brood_msg_data(msg) + sizeof head, text, size);
  must(brood_queue_put_msg(texts, msg, BROOD_FOREVER, NULL, NULL));
}

static const char *map_log(const plan *plan) {
  const int fd = open(plan->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(plan->path, "cannot be read");
  void *log = mmap(NULL, plan->file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (log == MAP_FAILED) fail(plan->path, "cannot be mapped");
  close(fd);
  return log;
}

static void read_stage(brood_task *task, void *context) {
  (void)context;
  const plan plan = plan_of(task);
  const char *log = map_log(&plan);
  brood_queue *texts = take_queue(task, kTexts);
  brood_shared *cells = take_shared(task, kCells);
  brood_event *all_read = NULL;
  int64_t number = 0;

  must(brood_msg_take_event(brood_task_args(task), kAllRead, &all_read, NULL));
  must(brood_shared_get_int(cells, kRead, &number, NULL));
  for (; (uint64_t)number < plan.chunks; ++number) {
    /* Where a chunk lies follows from its number alone, so that a reader which begins again cuts
     * the log in the same way.
     */
    const size_t offset = (uint64_t)number % (plan.chunks / plan.copies) * kChunkBytes;
    const size_t begin = first_line_from(log, plan.file_bytes, offset);
    const size_t end = first_line_from(log, plan.file_bytes, offset + kChunkBytes);
    put_chunk(texts, (uint64_t)number, log + begin, end - begin);
    perhaps_die(&plan);
    must(brood_shared_set_int(cells, kRead, number + 1, NULL));
  }
  brood_event_set(all_read);
  brood_event_free(all_read);
  brood_shared_free(cells);
  brood_queue_free(texts);
}

/* ---- split and count: from text to keys to counts ----------------------------------------------
 */

/* The next message of a queue for as long as it takes; NULL when there is none any more. */
static brood_lease *next(brood_queue *from, const chunk_head **head, const char **data,
                         size_t *size) {
  brood_lease *lease = NULL;
  const brood_status status = brood_queue_get_lease(from, BROOD_FOREVER, NULL, &lease, NULL);
  if (status == BROOD_E_CLOSED) return NULL;
  must(status);
  brood_msg *msg = brood_lease_msg(lease);
  *head = brood_msg_data(msg);
  *data = (const char *)brood_msg_data(msg) + sizeof **head;
  *size = brood_msg_size(msg) - sizeof **head;
  return lease;
}

/* Each line becomes its key and an end of line. A key is no longer than its line, but for the blank
 * behind "status", and an end that the last line may lack.
 */
static size_t split_chunk(chunk_head *head, text rest, char *out) {
  size_t size = 0;
  while (rest.size > 0) {
    size += write_key(next_line(&rest), out + size);
    ++head->lines;
  }
  return size;
}

/* The keys become the used slots of a table. */
static size_t count_chunk(text rest, table_entry *out) {
  static table counts;
  size_t used = 0;
  memset(&counts, 0, sizeof counts);
  while (rest.size > 0) {
    const text key = next_line(&rest);
    if (!table_add(&counts, key.data, key.size, 1)) fail("a log", "has too many different actions");
  }
  for (size_t i = 0; i < kTableSlots; ++i) {
    if (counts.slots[i].count != 0) out[used++] = counts.slots[i];
  }
  return used * sizeof *out;
}

static post post_of(brood_task *task, size_t from, size_t to) {
  post post = {plan_of(task), take_queue(task, from), take_queue(task, to)};
  return post;
}

static void leave(post *post) {
  brood_queue_free(post->from);
  brood_queue_free(post->to);
}

/* snippet: hand_over */
/* Killed after the put, this process leaves its input to be delivered again, and its result will
 * come twice; killed before it, once. Never not at all.
 */
static void hand_over(post *post, const chunk_head *head, const void *data, size_t size,
                      brood_lease *input) {
  brood_msg *msg = NULL;
  must(brood_queue_loan(post->to, sizeof *head + size, BROOD_CODEC_RAW, &msg, NULL));
  memcpy(brood_msg_data(msg), head, sizeof *head);
  memcpy((char *)brood_msg_data(msg) + sizeof *head, data, size);
  must(brood_queue_put_msg(post->to, msg, BROOD_FOREVER, NULL, NULL));
  perhaps_die(&post->plan);
  must(brood_lease_ack(input, NULL));
}
/* snippet end */

static void split_stage(brood_task *task, void *context) {
  (void)context;
  post post = post_of(task, kTexts, kKeys);
  const chunk_head *head;
  text text;
  for (brood_lease *input; (input = next(post.from, &head, &text.data, &text.size));) {
    chunk_head result = *head;
    char *keys = malloc(text.size + 2);
    if (keys == NULL) fail("a chunk", "needs more memory than there is");
    hand_over(&post, &result, keys, split_chunk(&result, text, keys), input);
    free(keys);
  }
  leave(&post);
}

static void count_stage(brood_task *task, void *context) {
  (void)context;
  static table_entry counts[kTableSlots];
  post post = post_of(task, kKeys, kCounts);
  const chunk_head *head;
  text keys;
  for (brood_lease *input; (input = next(post.from, &head, &keys.data, &keys.size));) {
    hand_over(&post, head, counts, count_chunk(keys, counts), input);
  }
  leave(&post);
}

/* ---- merge: each chunk once ---------------------------------------------------------------------
 */

static void add_chunk(totals *sum, const chunk_head *head, const void *data, size_t size) {
  const uint64_t bit = UINT64_C(1) << head->number % 64;
  if (sum->merged[head->number / 64] & bit) {
    ++sum->repeated;
    return;
  }
  sum->merged[head->number / 64] |= bit;
  ++sum->chunks;
  sum->lines += head->lines;
  sum->bytes += head->bytes;
  const table_entry *entries = data;
  for (size_t i = 0; i < size / sizeof *entries; ++i) {
    if (!table_add(&sum->counts, entries[i].key, entries[i].key_bytes, entries[i].count)) {
      fail("a log", "has too many different actions");
    }
  }
}

/* The sums and the numbers that are in them change together, by the store of kVersion: killed
 * before it, the input comes again and nothing was counted; killed after it, the input comes again
 * and its number is known. The host starts this stage again only when the last one is gone, so
 * there is never more than one to write.
 */
static void merge_stage(brood_task *task, void *context) {
  (void)context;
  const plan plan = plan_of(task);
  brood_queue *counts = take_queue(task, kCounts);
  brood_shared *cells = take_shared(task, kCells);
  brood_shared *both = take_shared(task, kTotals);
  const chunk_head *head;
  const char *data;
  size_t size;
  int64_t version = 0;

  must(brood_shared_get_int(cells, kVersion, &version, NULL));
  for (brood_lease *input; (input = next(counts, &head, &data, &size)); ++version) {
    totals *sum = totals_copy(both, version + 1);
    memcpy(sum, totals_copy(both, version), totals_size(plan.chunks));
    add_chunk(sum, head, data, size);
    perhaps_die(&plan);
    must(brood_shared_set_int(cells, kVersion, version + 1, NULL));
    perhaps_die(&plan);
    must(brood_lease_ack(input, NULL));
  }
  brood_shared_free(both);
  brood_shared_free(cells);
  brood_queue_free(counts);
}

void register_stages(void) {
  must(brood_register("read", read_stage, NULL, NULL));
  must(brood_register("split", split_stage, NULL, NULL));
  must(brood_register("count", count_stage, NULL, NULL));
  must(brood_register("merge", merge_stage, NULL, NULL));
}
