// Semaphores, events and barriers: sync.h.
#include "api/sync_handles.hpp"

using namespace brood;
using namespace brood::api;

extern "C" {

// ---- semaphore ---------------------------------------------------------------------------------

brood_status brood_semaphore_create(uint32_t value, const brood_semaphore_options* given,
                                    brood_semaphore** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_semaphore_options"));
    const uint32_t most = options.owned ? Semaphore::kMostOwned : Semaphore::kMostPermits;
    if (value > most) {
      return invalid("value is " + std::to_string(value) + "; give at most " +
                     std::to_string(most));
    }
    const uint32_t limit = options.bounded || options.owned ? value : Semaphore::kMostPermits;
    BROOD_LET(semaphore,
              Semaphore::create(runtime->household().holdings(), value, limit, options.owned));
    *out = new brood_semaphore(std::move(semaphore));
    return {};
  });
}

brood_status brood_semaphore_acquire(brood_semaphore* semaphore, int64_t timeout_ms,
                                     brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(semaphore);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return semaphore->object.acquire(rack_of(*runtime), deadline, token(cancel));
  });
}

brood_status brood_semaphore_release(brood_semaphore* semaphore, uint32_t count,
                                     brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(semaphore);
    if (count == 0) return invalid("count is 0: there is nothing to release");
    return semaphore->object.release(rack_of(*runtime), count);
  });
}

uint32_t brood_semaphore_value(const brood_semaphore* semaphore) {
  return semaphore != nullptr ? semaphore->object.value() : 0;
}
void brood_semaphore_free(brood_semaphore* semaphore) { give_back(semaphore); }
brood_handle* brood_semaphore_handle(brood_semaphore* semaphore) {
  return semaphore != nullptr ? up(semaphore) : nullptr;
}

// ---- event -------------------------------------------------------------------------------------

brood_status brood_event_create(brood_event** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(event, Event::create(runtime->household().holdings()));
    *out = new brood_event(std::move(event));
    return {};
  });
}

void brood_event_set(brood_event* event) {
  if (event != nullptr && !Runtime::forked()) event->object.set();
}
void brood_event_clear(brood_event* event) {
  if (event != nullptr && !Runtime::forked()) event->object.clear();
}
bool brood_event_is_set(const brood_event* event) {
  return event != nullptr && event->object.is_set();
}

brood_status brood_event_wait(brood_event* event, int64_t timeout_ms, brood_cancel* cancel,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(event);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return event->object.wait(rack_of(*runtime), deadline, token(cancel));
  });
}

void brood_event_free(brood_event* event) { give_back(event); }
brood_handle* brood_event_handle(brood_event* event) {
  return event != nullptr ? up(event) : nullptr;
}

// ---- barrier -----------------------------------------------------------------------------------

brood_status brood_barrier_create(uint32_t parties, brood_barrier** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    if (parties == 0 || parties > BarrierWord::kMostParties) {
      return invalid("parties is " + std::to_string(parties) + "; give 1 to " +
                     std::to_string(BarrierWord::kMostParties));
    }
    BROOD_LET(barrier, Barrier::create(runtime->household().holdings(), parties));
    *out = new brood_barrier(std::move(barrier));
    return {};
  });
}

brood_status brood_barrier_wait(brood_barrier* barrier, int64_t timeout_ms, brood_cancel* cancel,
                                uint32_t* out_index, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(barrier);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    const Barrier& object = barrier->object;
    BROOD_LET(index, object.arrive(rack_of(*runtime), deadline, token(cancel)));
    if (index == object.parties() - 1) BROOD_TRY(object.open());
    if (out_index != nullptr) *out_index = index;
    return {};
  });
}

brood_status brood_barrier_arrive(brood_barrier* barrier, int64_t timeout_ms, brood_cancel* cancel,
                                  uint32_t* out_index, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(barrier);
    BROOD_NEED(out_index);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(index, barrier->object.arrive(rack_of(*runtime), deadline, token(cancel)));
    *out_index = index;
    return {};
  });
}

brood_status brood_barrier_open(brood_barrier* barrier, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(barrier);
    return barrier->object.open();
  });
}

void brood_barrier_abort(brood_barrier* barrier) {
  if (barrier != nullptr && !Runtime::forked()) barrier->object.abort();
}
void brood_barrier_reset(brood_barrier* barrier) {
  if (barrier != nullptr && !Runtime::forked()) barrier->object.reset();
}
uint32_t brood_barrier_parties(const brood_barrier* barrier) {
  return barrier != nullptr ? barrier->object.parties() : 0;
}
uint32_t brood_barrier_waiting(const brood_barrier* barrier) {
  return barrier != nullptr ? barrier->object.waiting() : 0;
}
bool brood_barrier_broken(const brood_barrier* barrier) {
  return barrier != nullptr && barrier->object.broken();
}
void brood_barrier_free(brood_barrier* barrier) { give_back(barrier); }
brood_handle* brood_barrier_handle(brood_barrier* barrier) {
  return barrier != nullptr ? up(barrier) : nullptr;
}

}  // extern "C"
