// Pipes: pipe.h.
#include "api/pipe_handles.hpp"
#include "api/taking.hpp"

using namespace brood;
using namespace brood::api;

namespace {

Result<brood_pipe*> use(brood_pipe* pipe) {
  BROOD_LET(runtime, Runtime::open());
  (void)runtime;
  BROOD_NEED(pipe);
  return pipe;
}

// To a program that shares no memory with this one.
Status send_message(ForeignEnd& end, const Message& message, int64_t timeout_ms,
                    brood_cancel* cancel) {
  BROOD_LET(deadline, read_timeout(timeout_ms));
  if (message.handle_count() != 0) {
    return Error(Code::Unsupported,
                 "the other program is of another family: handles mean nothing there");
  }
  return end.send({message.data(), message.size()}, message.codec(), deadline, token(cancel));
}

// For calls with nothing special about them: null is no error, but sends the caller the long way.
PipeEnd* at_hand(brood_pipe* pipe, int64_t timeout_ms) {
  const bool usual = pipe != nullptr && timeout_ms >= BROOD_FOREVER && Runtime::at_hand();
  return usual ? pipe->end : nullptr;  // null for a foreign one
}

Status send(PipeEnd& end, Parcel& parcel, int64_t timeout_ms, brood_cancel* cancel) {
  BROOD_LET(deadline, read_timeout(timeout_ms));
  BROOD_TRY(end.send(parcel.item(), deadline, token(cancel)));
  parcel.sent();
  return {};
}

// What both kinds of end can do.
template <class Function>
auto either(brood_pipe& pipe, Function&& function) {
  return pipe.end != nullptr ? function(*pipe.end) : function(*pipe.foreign);
}

// The long way of brood_pipe_send() and _recv(). Functions of their own, so that the short way
// prepares nothing for it.
[[gnu::noinline]] brood_status send_with_care(brood_pipe* pipe, const void* data, size_t size,
                                              uint8_t codec, int64_t timeout_ms,
                                              brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_TRY(check_timeout(timeout_ms));
    if (used->foreign != nullptr) {
      return used->foreign->send(bytes, codec, Deadline::after_ms(timeout_ms), token(cancel));
    }
    PipeEnd* end = used->end;
    if (size <= kRingInlineBytes) {
      const Deadline deadline = Deadline::after_ms(timeout_ms);
      return end->send({bytes.data(), size, codec, {}}, deadline, token(cancel));
    }
    BROOD_LET(parcel, Parcel::of_bytes(end->holdings(), bytes.data(), size, codec));
    return send(*end, parcel, timeout_ms, cancel);
  });
}

[[gnu::noinline]] brood_status receive_with_care(brood_pipe* pipe, int64_t timeout_ms,
                                                 brood_cancel* cancel, brood_msg** out,
                                                 brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_NEED(out);
    BROOD_TRY(check_timeout(timeout_ms));
    const Deadline deadline = Deadline::after_ms(timeout_ms);
    BROOD_LET(message,
              either(*used, [&](auto& end) { return end.receive(deadline, token(cancel)); }));
    *out = to_c(message.release());
    return {};
  });
}

}  // namespace

extern "C" {

brood_status brood_pipe_create(bool duplex, brood_pipe** a, brood_pipe** b, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(a);
    BROOD_NEED(b);
    Household& household = runtime->household();
    BROOD_LET(pair, PipeEnd::create(household.holdings(), household.rack(), duplex));
    auto first = std::make_unique<FamilyPipe>(std::move(pair.first));
    *b = new FamilyPipe(std::move(pair.second));
    *a = first.release();
    return {};
  });
}

brood_status brood_pipe_send(brood_pipe* pipe, const void* data, size_t size, uint8_t codec,
                             int64_t timeout_ms, brood_cancel* cancel, brood_error** error) {
  const PipeEnd* usual = size <= kRingInlineBytes && (data != nullptr || size == 0)
                             ? at_hand(pipe, timeout_ms)
                             : nullptr;
  if (usual != nullptr && usual->send_quickly(static_cast<const std::byte*>(data), size, codec)) {
    return BROOD_OK;
  }
  return send_with_care(pipe, data, size, codec, timeout_ms, cancel, error);
}

brood_status brood_pipe_send_msg(brood_pipe* pipe, brood_msg* msg, int64_t timeout_ms,
                                 brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_NEED(msg);
    BROOD_TRY(check_timeout(timeout_ms));
    PipeEnd* end = used->end;
    Message::Ptr message(from_c(msg));
    Status sent = [&]() -> Status {
      if (end == nullptr) return send_message(*used->foreign, *message, timeout_ms, cancel);
      BROOD_LET(parcel, Parcel::of_message(end->holdings(), *message));
      BROOD_TRY(send(*end, parcel, timeout_ms, cancel));
      // A chunk that was the message's own is the pipe's by now.
      if (parcel.item().chunk.offset == message->chunk()) Chunk::let_go(*message);
      return {};
    }();
    if (!sent) (void)message.release();  // still the caller's
    return sent;
  });
}

brood_status brood_pipe_recv(brood_pipe* pipe, int64_t timeout_ms, brood_cancel* cancel,
                             brood_msg** out, brood_error** error) {
  const PipeEnd* usual = out != nullptr ? at_hand(pipe, timeout_ms) : nullptr;
  if (Message* message = usual != nullptr ? usual->receive_quickly() : nullptr) {
    *out = to_c(message);
    return BROOD_OK;
  }
  return receive_with_care(pipe, timeout_ms, cancel, out, error);
}

brood_status brood_pipe_recv_into(brood_pipe* pipe, void* buffer, size_t capacity,
                                  int64_t timeout_ms, brood_cancel* cancel, size_t* out_size,
                                  uint8_t* out_codec, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    if (buffer == nullptr && capacity != 0) return invalid("buffer is NULL but capacity is not 0");
    BROOD_NEED(out_size);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    const std::span<std::byte> room(static_cast<std::byte*>(buffer), capacity);
    uint64_t size = 0;
    uint8_t codec = 0;
    BROOD_LET(received, either(*used, [&](auto& end) {
                return end.receive_into(room, size, codec, deadline, token(cancel));
              }));
    *out_size = size;
    if (!received) {
      return Error(Code::TooBig, "the message has " + std::to_string(size) +
                                     " bytes and the buffer " + std::to_string(capacity));
    }
    if (out_codec != nullptr) *out_codec = codec;
    return {};
  });
}

brood_status brood_pipe_peek(brood_pipe* pipe, int64_t timeout_ms, brood_cancel* cancel,
                             size_t* out_size, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_NEED(out_size);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(size,
              either(*used, [&](auto& end) { return end.peek_size(deadline, token(cancel)); }));
    *out_size = size;
    return {};
  });
}

brood_status brood_pipe_poll(brood_pipe* pipe, int64_t timeout_ms, brood_cancel* cancel,
                             brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return either(*used, [&](auto& end) { return end.poll(deadline, token(cancel)); });
  });
}

brood_status brood_pipe_send_fd(brood_pipe* pipe, int32_t fd, int64_t timeout_ms,
                                brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    if (fd < 0 || !platform::is_open_fd(fd)) {
      return invalid("fd " + std::to_string(fd) + " is not open");
    }
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return either(*used, [&](auto& end) { return end.send_fd(fd, deadline, token(cancel)); });
  });
}

brood_status brood_pipe_recv_fd(brood_pipe* pipe, int64_t timeout_ms, brood_cancel* cancel,
                                int32_t* out_fd, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    BROOD_NEED(out_fd);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    BROOD_LET(fd,
              either(*used, [&](auto& end) { return end.receive_fd(deadline, token(cancel)); }));
    *out_fd = fd.release();
    return {};
  });
}

brood_status brood_pipe_shutdown(brood_pipe* pipe, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(used, use(pipe));
    either(*used, [](auto& end) { end.shut_down(); });
    return {};
  });
}

void brood_pipe_free(brood_pipe* pipe) { give_back(pipe); }

brood_handle* brood_pipe_handle(brood_pipe* pipe) { return pipe != nullptr ? up(pipe) : nullptr; }

brood_status brood_msg_take_pipe(brood_msg* msg, size_t index, brood_pipe** out,
                                 brood_error** error) {
  FamilyPipe* taken = nullptr;
  const brood_status status = take_handle(msg, index, out != nullptr ? &taken : nullptr, error);
  if (status == BROOD_OK) *out = taken;
  return status;
}

}  // extern "C"
