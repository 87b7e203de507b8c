// Time. The language supplies:
//   (int64_t timeout_ms, brood_cancel *cancel)  how long to wait, and what ends the wait early
//   %brood_waits(FUNCTION)    FUNCTION may wait: other threads of the language run meanwhile, and its
//                             interrupt (Ctrl-C, Thread#kill) ends the wait at once
//   %brood_waits_whole(FUNCTION)  the same, and a try with a timeout of 0 is not without consequences
//   %brood_works(FUNCTION)    FUNCTION may take long without waiting for anybody (it starts processes,
//                             copies much): other threads run meanwhile
%brood_waits(brood_wait)
%brood_waits(brood_completions_next)
%brood_waits(brood_pipe_send)
%brood_waits(brood_pipe_send_msg)
%brood_waits(brood_pipe_recv)
%brood_waits(brood_pipe_recv_into)
%brood_waits(brood_pipe_peek)
%brood_waits(brood_pipe_poll)
%brood_waits_whole(brood_pipe_send_fd)
%brood_waits_whole(brood_pipe_recv_fd)
%brood_waits(brood_publication_accept)
%brood_waits_whole(brood_lookup)
%brood_waits(brood_process_join)
// A part may be written when it fails, which exceptions cannot tell: see brood_process_write_some().
%brood_waits_whole(brood_process_write)
%brood_waits(brood_process_write_some)
%brood_waits(brood_process_read)
%brood_waits_whole(brood_pool_call)
%brood_waits(brood_pool_join)
%brood_waits(brood_future_result)
%brood_waits(brood_future_wait)
%brood_waits(brood_stream_push)
%brood_waits(brood_stream_next)
%brood_waits(brood_stream_next_batch)
%brood_waits(brood_queue_put)
%brood_waits(brood_queue_put_msg)
%brood_waits(brood_queue_put_many)
%brood_waits(brood_queue_get)
%brood_waits(brood_queue_get_batch)
%brood_waits(brood_queue_get_lease)
%brood_waits(brood_queue_join)
%brood_waits(brood_shared_lock)
%brood_waits(brood_lock_acquire)
%brood_waits(brood_semaphore_acquire)
%brood_waits_whole(brood_condition_wait)
%brood_waits(brood_event_wait)
%brood_waits_whole(brood_barrier_wait)
%brood_waits_whole(brood_barrier_arrive)
%brood_waits(brood_rwlock_acquire_read)
%brood_waits(brood_rwlock_acquire_write)
%brood_waits(brood_worker_next)

// Two waits in one call, and no token in a place of its own: the hand-written storeys join, terminate
// and kill one by one.
%ignore brood_process_stop;

%brood_works(brood_start)
%brood_works(brood_shutdown)
%brood_works(brood_pool_create)
// A full pool makes submit wait, as `wait_ms` and `cancel` of its options (argument N) say. A language
// that makes this wait interruptible too defines BROOD_SUBMIT_WAITS and %brood_submits(FUNCTION, N).
#ifdef BROOD_SUBMIT_WAITS
%brood_submits(brood_pool_submit, 5)
%brood_submits(brood_pool_submit_msg, 4)
#else
%brood_works(brood_pool_submit)
%brood_works(brood_pool_submit_msg)
#endif
%brood_works(brood_pool_map)
%brood_works(brood_pool_terminate)
%brood_works(brood_pool_shutdown)
%brood_works(brood_process_start)
%brood_works(brood_process_start_msg)
%brood_works(brood_process_spawn)
%brood_works(brood_shared_create)
%brood_works(brood_shared_read)
%brood_works(brood_shared_write)
