/* A host in C whose workers are the Go program that its first argument names: fib(10) as
 * MessagePack. */
#include <brood/brood.h>
#include <stdio.h>
#include <stdlib.h>

static void must(brood_status status) {
  if (status != BROOD_OK) {
    fprintf(stderr, "%s\n", brood_error_message(brood_last_error()));
    exit(1);
  }
}

int main(int argc, char **argv) {
  const unsigned char ten = 10;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  brood_submit_options submit = BROOD_SUBMIT_OPTIONS_INIT;
  brood_pool *pool;
  brood_msg *msg;
  const char *command[] = {argv[1], NULL};
  must(brood_init(argc, argv, NULL, NULL));
  options.workers = 1;
  options.command = command;
  must(brood_pool_create(&options, &pool, NULL));
  submit.codec = BROOD_CODEC_MSGPACK;
  must(brood_pool_call(pool, "fib", &ten, 1, &submit, BROOD_FOREVER, NULL, &msg, NULL));
  printf("%d bytes of codec %d: %d\n", (int)brood_msg_size(msg), brood_msg_codec(msg),
         *(unsigned char *)brood_msg_data(msg));
  brood_msg_free(msg);
  if (brood_pool_call(pool, "panics", &ten, 1, &submit, BROOD_FOREVER, NULL, &msg, NULL) !=
      BROOD_OK) {
    printf("%s: %s\n", brood_error_kind(brood_last_error()),
           brood_error_message(brood_last_error()));
  }
  brood_pool_free(pool);
  return 0;
}
