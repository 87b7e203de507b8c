// The worker's side: worker.h.
#include "api/handles.hpp"

using namespace brood;
using namespace brood::api;

// A task in a worker's hand, with the words that the getters lend.
struct brood_task {
  WorkerLink* link = nullptr;
  WorkerTask task;
};

namespace brood::api {

namespace {

Error no_function(const Runtime& runtime, const std::string& name) {
  return Error(Code::NoFunction,
               "no function \"" + name +
                   "\" is registered in this worker; registered: " + runtime.function_names());
}

// Runs one task to its answer; an Error means that the host cannot be answered any more.
Status run(Runtime& runtime, brood_task& task) {
  const std::string& name = task.task.function();
  const void*& resolved = task.task.resolved();
  if (resolved == nullptr) resolved = runtime.find_function(name);
  const auto* function = static_cast<const Runtime::Function*>(resolved);
  if (function == nullptr) {
    return task.link->fail(task.task, no_function(runtime, name).record());
  }
  Status outcome = call_user(function->function, &task, function->context);
  if (task.task.answered()) return {};
  if (!outcome) return task.link->fail(task.task, outcome.error().record());
  return task.link->reply(task.task, {}, BROOD_CODEC_RAW);
}

}  // namespace

int serve(Runtime& runtime) {
  WorkerLink& link = *runtime.link();
  link.answer_in_turn();
  brood_task task;
  task.link = &link;
  bool failed = false;
  for (;;) {
    Status status = link.next(Deadline::forever(), nullptr, task.task);
    if (status.code() == Code::Closed) break;
    if (!status || !run(runtime, task)) return 1;
    if (task.task.failed()) failed = true;
  }
  // A pool's worker ends well whatever its tasks reported; a process is its one function.
  return failed && link.orders().role == StartOrders::Role::Process ? 1 : 0;
}

}  // namespace brood::api

extern "C" {

brood_status brood_register(const char* given_name, brood_function function, void* context,
                            brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(name, read_name(given_name, "the function's name"));
    BROOD_NEED(function);
    return Runtime::instance().register_function(name, function, context);
  });
}

brood_status brood_worker_next(int64_t timeout_ms, brood_cancel* cancel, brood_task** out,
                               brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    if (!runtime->is_worker()) {
      return Error(Code::State,
                   "this process is no worker: brood_worker_next() is for processes that a pool or "
                   "brood_process_start() started; see brood_is_worker()");
    }
    WorkerLink& link = *runtime->link();
    auto task = std::make_unique<brood_task>();
    task->link = &link;
    BROOD_TRY(link.next(deadline, token(cancel), task->task));
    *out = task.release();
    return {};
  });
}

const char* brood_task_function(const brood_task* task) {
  return task != nullptr ? task->task.function().c_str() : "";
}

brood_msg* brood_task_args(brood_task* task) {
  return task != nullptr ? reinterpret_cast<brood_msg*>(&task->task.argument()) : nullptr;
}

brood_status brood_task_reply(brood_task* task, const void* data, size_t size, uint8_t codec,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(task);
    BROOD_LET(bytes, read_bytes(data, size));
    return task->link->reply(task->task, bytes, codec);
  });
}

brood_status brood_task_loan(brood_task* task, size_t size, uint8_t codec, brood_msg** out,
                             brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(task);
    BROOD_NEED(out);
    BROOD_LET(message, task->link->loan(size, codec));
    *out = reinterpret_cast<brood_msg*>(message.release());
    return {};
  });
}

brood_status brood_task_reply_msg(brood_task* task, brood_msg* msg, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(task);
    BROOD_NEED(msg);
    Message::Ptr message(reinterpret_cast<Message*>(msg));
    Status status = task->link->reply(task->task, message);
    if (!status) (void)message.release();  // still the caller's
    return status;
  });
}

brood_status brood_task_fail(brood_task* task, const char* kind, const char* message,
                             const char* traceback, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(task);
    ErrorRecord record;
    record.code = Code::Remote;
    record.kind = kind != nullptr ? kind : "";
    record.message = message != nullptr ? message : "";
    record.traceback = traceback != nullptr ? traceback : "";
    return task->link->fail(task->task, record);
  });
}

void brood_task_free(brood_task* task) {
  if (task == nullptr || Runtime::forked()) return;
  if (!task->task.answered()) (void)brood_task_reply(task, nullptr, 0, BROOD_CODEC_RAW, nullptr);
  delete task;
}

int32_t brood_worker_id(void) {
  return quietly([]() -> int32_t {
    Result<Runtime*> runtime = Runtime::open();
    if (!runtime || !(*runtime)->is_worker()) return -1;
    return (*runtime)->link()->orders().worker_id;
  });
}

}  // extern "C"
