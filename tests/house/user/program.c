/* A user's program: asks a worker by which program it was started, and prints the answer. */
/* readlink and getppid, also for a strict C99 compiler. */
#define _POSIX_C_SOURCE 200809L

#include <brood/brood.h>
#include <stdio.h>
#include <unistd.h>

static void starter(brood_task *task, void *context) {
  char link[64];
  char path[4096];
  ssize_t size;
  (void)context;
  snprintf(link, sizeof link, "/proc/%ld/exe", (long)getppid());
  size = readlink(link, path, sizeof path);
  if (size < 0 || brood_task_reply(task, path, (size_t)size, BROOD_CODEC_TEXT, NULL) != BROOD_OK) {
    (void)!brood_task_fail(task, "OSError", "cannot tell who started this worker", NULL, NULL);
  }
}

int main(int argc, char **argv) {
  brood_pool *pool = NULL;
  brood_msg *answer = NULL;
  if (brood_register("starter", starter, NULL, NULL) != BROOD_OK ||
      brood_init(argc, argv, NULL, NULL) != BROOD_OK ||
      brood_pool_create(NULL, &pool, NULL) != BROOD_OK ||
      brood_pool_call(pool, "starter", NULL, 0, NULL, 20000, NULL, &answer, NULL) != BROOD_OK) {
    printf("%s\n", brood_error_message(brood_last_error()));
    return 1;
  }
  printf("%.*s\n", (int)brood_msg_size(answer), (const char *)brood_msg_data(answer));
  brood_msg_free(answer);
  brood_pool_free(pool);
  return 0;
}
