/**
 * @file
 * Pipes: messages between two ends.
 */
#ifndef BROOD_CPP_PIPE_HPP
#define BROOD_CPP_PIPE_HPP

#include <brood/pipe.h>

#include <brood/cpp/message.hpp>
#include <utility>

namespace brood {
inline namespace v0 {

/** One end. What has nothing more to give is Closed, or no message where the function says so. */
class Pipe {
 public:
  explicit Pipe(brood_pipe* pipe) noexcept : pipe_(pipe) {}
  /** The two ends; with `duplex` false the first only receives and the second only sends. */
  static std::pair<Pipe, Pipe> create(bool duplex = true) {
    brood_pipe* a = nullptr;
    brood_pipe* b = nullptr;
    detail::check([&](brood_error** error) { return brood_pipe_create(duplex, &a, &b, error); });
    return {Pipe(a), Pipe(b)};
  }

  void send(Bytes bytes, Wait patience = {}, uint8_t codec = BROOD_CODEC_RAW) {
    detail::check([&](brood_error** error) {
      return brood_pipe_send(pipe_.get(), bytes.data(), bytes.size(), codec, patience.timeout_ms(),
                             patience.cancel(), error);
    });
  }
  /** It stays yours if this throws. */
  void send(Message&& message, Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_pipe_send_msg(pipe_.get(), message.get(), patience.timeout_ms(),
                                 patience.cancel(), error);
    });
    (void)message.release();
  }
  /** The next message; nothing when all was received and the other end is gone. */
  std::optional<Message> recv(Wait patience = {}) {
    brood_msg* msg = nullptr;
    const bool got = detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_pipe_recv(pipe_.get(), patience.timeout_ms(), patience.cancel(), &msg, error);
    });
    return got ? std::optional<Message>(std::in_place, msg) : std::nullopt;
  }
  /** The size of the next message, which is in `room` then; TooBig leaves it in the pipe. */
  size_t recv_into(std::span<std::byte> room, Wait patience = {}) {
    size_t size = 0;
    detail::check([&](brood_error** error) {
      return brood_pipe_recv_into(pipe_.get(), room.data(), room.size(), patience.timeout_ms(),
                                  patience.cancel(), &size, nullptr, error);
    });
    return size;
  }
  /** The size of the next message, which stays. */
  size_t peek(Wait patience = {}) {
    size_t size = 0;
    detail::check([&](brood_error** error) {
      return brood_pipe_peek(pipe_.get(), patience.timeout_ms(), patience.cancel(), &size, error);
    });
    return size;
  }
  /** True once recv() has an answer, false when the time ran out. */
  bool poll(Wait patience = {}) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_pipe_poll(pipe_.get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  /** Until recv_fd() at the other end has a copy; `fd` stays yours. */
  void send_fd(int fd, Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_pipe_send_fd(pipe_.get(), fd, patience.timeout_ms(), patience.cancel(), error);
    });
  }
  /** The next fd, which is yours to close; nothing when the other end is gone. */
  std::optional<int> recv_fd(Wait patience = {}) {
    int32_t fd = -1;
    const bool got = detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_pipe_recv_fd(pipe_.get(), patience.timeout_ms(), patience.cancel(), &fd, error);
    });
    return got ? std::optional<int>(fd) : std::nullopt;
  }
  void shutdown() {
    detail::check([&](brood_error** error) { return brood_pipe_shutdown(pipe_.get(), error); });
  }

  brood_handle* handle() noexcept { return brood_pipe_handle(pipe_.get()); }
  brood_pipe* get() const noexcept { return pipe_.get(); }

 private:
  detail::Owned<brood_pipe, brood_pipe_free> pipe_;
};

namespace detail {

template <>
struct Taken<Pipe> {
  using Handle = brood_pipe;
  static brood_status take(brood_msg* msg, size_t index, Handle** out, brood_error** error) {
    return brood_msg_take_pipe(msg, index, out, error);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
