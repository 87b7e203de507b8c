/**
 * @file
 * A rendezvous: unrelated programs of one machine find each other by a name, and get a pipe.
 *
 * One program publishes a name and accepts visitors, others look it up; each side gets an end of a
 * duplex pipe (pipe.h). The name is gone as soon as its publication is freed or its process is
 * dead. Names are each user's own, and hidden from nobody; nothing is written to a file system.
 * Both programs must be in the same network namespace.
 *
 * Pipes between programs are pipes with these differences: messages with handles are
 * BROOD_E_UNSUPPORTED, since the two programs share no memory, and so is handing over the end
 * itself in a message; one message has at most 1 GiB; a socket's buffer is all that waits in the
 * pipe, so a message above some 100 KiB needs a receiver at work; brood_pipe_send_fd() returns when
 * the descriptor is on its way. Nothing that the other program sends is believed: one that breaks
 * the protocol is hung up on with BROOD_E_PROTOCOL.
 */
#ifndef BROOD_RENDEZVOUS_H
#define BROOD_RENDEZVOUS_H

#include <brood/pipe.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brood_publish_options {
  size_t struct_size;
  const void *token; /* what visitors must show, besides being of the right user; NULL: nothing */
  size_t token_size; /* at most 256 bytes */
  bool any_user;     /* visitors may be of any user; false: only of this process's own */
  uint64_t max_message_bytes; /* that this program receives as one; 0: 1 GiB, the most there is */
} brood_publish_options;
#define BROOD_PUBLISH_OPTIONS_INIT \
  { sizeof(brood_publish_options), NULL, 0, false, 0 }

/**
 * Publish a name until brood_publication_free(), which revokes it; pipes that were made stay.
 *
 * Visitors are let in at once, up to 64 that were not accepted yet; more wait.
 *
 * @param name  1 to 80 bytes; each user has names of its own.
 * @return BROOD_E_STATE when this user's name is published already, by a process that lives, and
 * when others hold it: the message says who. Others can keep a name from being published, but not
 * be taken for you.
 */
BROOD_CALL brood_publish(const char *name, const brood_publish_options *options,
                         brood_publication **out, brood_error **error);
/** Take the next visitor: this program's end of a pipe to it. */
BROOD_CALL brood_publication_accept(brood_publication *publication, int64_t timeout_ms,
                                    brood_cancel *cancel, brood_pipe **out, brood_error **error);
/** Revoke the name. Visitors that were not accepted find their pipe closed. */
BROOD_API void brood_publication_free(brood_publication *publication);
/** The common view, borrowed: ready while somebody can be accepted. */
BROOD_API brood_handle *brood_publication_handle(brood_publication *publication);

typedef struct brood_lookup_options {
  size_t struct_size;
  const void *token; /* what the publisher asks for */
  size_t token_size;
  bool other_user; /* the publisher is of `user`; false: of this process's own user */
  uint32_t user;
  uint64_t max_message_bytes; /* that this program receives as one; 0: 1 GiB, the most there is */
} brood_lookup_options;
#define BROOD_LOOKUP_OPTIONS_INIT \
  { sizeof(brood_lookup_options), NULL, 0, false, 0, 0 }

/**
 * Visit the program that published a name: this program's end of a pipe to it.
 *
 * It waits until somebody publishes the name. The kernel says whose process that is; of another
 * user than the one asked for it gets nothing, not even the token.
 *
 * @param timeout_ms  with 0, a publisher that is there gets 250 ms to answer.
 * @return BROOD_E_TIMEOUT when nobody has published it, or nobody answers; BROOD_E_OS with the OS
 * code EACCES when the publisher does not admit this user or token.
 */
BROOD_CALL brood_lookup(const char *name, const brood_lookup_options *options, int64_t timeout_ms,
                        brood_cancel *cancel, brood_pipe **out, brood_error **error);

/**
 * Tell whose process was at the other end when the pipe was made, as the kernel knows it.
 *
 * @param out_pid   may be NULL; 0 when this process cannot see it (another pid namespace).
 * @param out_user  may be NULL.
 * @return BROOD_E_STATE for a pipe within the family, whose ends any process may hold.
 */
BROOD_CALL brood_pipe_peer(brood_pipe *pipe, int64_t *out_pid, uint32_t *out_user,
                           brood_error **error);

#ifdef __cplusplus
}
#endif
#endif
