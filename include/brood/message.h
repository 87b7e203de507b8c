/**
 * @file
 * Messages: bytes with a codec tag and attached handles.
 */
#ifndef BROOD_MESSAGE_H
#define BROOD_MESSAGE_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the bytes hold, so that a reader in another language knows. One byte, sent along. */
enum {
  BROOD_CODEC_RAW = 0,     /* just bytes */
  BROOD_CODEC_TEXT = 1,    /* UTF-8 */
  BROOD_CODEC_MSGPACK = 2, /* one MessagePack value */
  BROOD_CODEC_NATIVE = 3   /* the sending language's own serialisation */
};

/** Make a message from a copy of `size` bytes; with `data` NULL the bytes start as zeros. */
BROOD_CALL brood_msg_create(const void *data, size_t size, uint8_t codec, brood_msg **out,
                            brood_error **error);

/** The bytes, 8-byte aligned; borrowed until brood_msg_free(). Never NULL for a message. */
BROOD_API void *brood_msg_data(brood_msg *msg);
BROOD_API size_t brood_msg_size(const brood_msg *msg);
BROOD_API uint8_t brood_msg_codec(const brood_msg *msg);

/**
 * Let a handle travel with the message: the receiver takes it with the brood_msg_take_ of its type.
 *
 * @param handle  stays yours. What lives in shared memory can travel; what lives in one process
 *                (a pool, a future, a process) is BROOD_E_UNSUPPORTED.
 * @return BROOD_E_TOO_BIG beyond 16 handles.
 */
BROOD_CALL brood_msg_attach(brood_msg *msg, brood_handle *handle, brood_error **error);
BROOD_API size_t brood_msg_handle_count(const brood_msg *msg);

/** What an attached handle is, and so which brood_msg_take_ is its own. */
enum {
  BROOD_HANDLE_NONE = 0, /* there is none of that number, or not any more */
  BROOD_HANDLE_CANCEL = 1,
  BROOD_HANDLE_LOCK = 2,
  BROOD_HANDLE_SEMAPHORE = 3,
  BROOD_HANDLE_CONDITION = 4,
  BROOD_HANDLE_EVENT = 5,
  BROOD_HANDLE_BARRIER = 6,
  BROOD_HANDLE_RWLOCK = 7,
  BROOD_HANDLE_SHARED = 8,
  BROOD_HANDLE_QUEUE = 9,
  BROOD_HANDLE_PIPE = 10
};
/** BROOD_HANDLE_ of the attached handle number `index`; a reader asks before it takes. */
BROOD_API int32_t brood_msg_handle_type(const brood_msg *msg, size_t index);
/**
 * Take the attached handle number `index`; a second time is BROOD_E_STATE. You own the result.
 *
 * @return BROOD_E_INVALID when it is of another type; it stays in the message.
 */
BROOD_CALL brood_msg_take_cancel(brood_msg *msg, size_t index, brood_cancel **out,
                                 brood_error **error);
BROOD_CALL brood_msg_take_lock(brood_msg *msg, size_t index, brood_lock **out, brood_error **error);
BROOD_CALL brood_msg_take_semaphore(brood_msg *msg, size_t index, brood_semaphore **out,
                                    brood_error **error);
BROOD_CALL brood_msg_take_condition(brood_msg *msg, size_t index, brood_condition **out,
                                    brood_error **error);
BROOD_CALL brood_msg_take_event(brood_msg *msg, size_t index, brood_event **out,
                                brood_error **error);
BROOD_CALL brood_msg_take_barrier(brood_msg *msg, size_t index, brood_barrier **out,
                                  brood_error **error);
BROOD_CALL brood_msg_take_rwlock(brood_msg *msg, size_t index, brood_rwlock **out,
                                 brood_error **error);
BROOD_CALL brood_msg_take_shared(brood_msg *msg, size_t index, brood_shared **out,
                                 brood_error **error);
BROOD_API void brood_msg_free(brood_msg *msg);
/** Free `count` messages; each may be NULL. */
BROOD_API void brood_msg_free_many(brood_msg *const *msgs, size_t count);

#ifdef __cplusplus
}
#endif
#endif
