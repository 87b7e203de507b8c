#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
// Last: they define macros with everyday names.
#include <curses.h>
#include <term.h>

namespace {

constexpr int kRedrawMs = 100;
constexpr int kTextWidth = 46;

std::string capability(const char* name) {
  const char* text = tigetstr(name);
  // (char *)-1 says that the name is no string capability, NULL that the terminal lacks it.
  if (text == nullptr || text == reinterpret_cast<const char*>(-1)) return {};
  return text;
}

int width_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int width = tigetnum("cols");
  return width > 0 ? width : 80;
}

void write_all(int fd, const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    const ssize_t wrote = write(fd, text.data() + at, text.size() - at);
    if (wrote <= 0) return;  // a bar that cannot be seen is no failure
    at += static_cast<size_t>(wrote);
  }
}

}  // namespace

Progress::Progress(int fd, bool wanted) : fd_(fd) {
  int result = 0;
  if (!wanted || isatty(fd) == 0 || setupterm(nullptr, fd, &result) != 0) return;
  to_first_column_ = capability("cr");
  clear_line_ = capability("el");
  on_ = !to_first_column_.empty() && !clear_line_.empty();
}

void Progress::update(uint64_t done, uint64_t files) {
  if (!on_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < std::chrono::milliseconds(kRedrawMs)) return;
  drawn_ = now;
  draw(done, files);
}

void Progress::draw(uint64_t done, uint64_t files) {
  const std::chrono::duration<double> elapsed = drawn_ - started_;
  const double rate = elapsed.count() > 0 ? static_cast<double>(done) / elapsed.count() : 0;
  // The tree may grow while it is hashed: never more than full.
  const double part =
      total_ > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total_)) : 0;
  char text[128];
  std::snprintf(text, sizeof text, " %3.0f %% %8ju files %8.1f MB %6.0f MB/s", part * 100,
                static_cast<uintmax_t>(files), static_cast<double>(done) / 1e6, rate / 1e6);
  const int cells = std::clamp(width_of(fd_) - kTextWidth, 0, 60);
  const int filled = static_cast<int>(part * cells);
  std::string line = to_first_column_;
  if (cells > 4) {
    line += '[' + std::string(filled, '#') + std::string(cells - filled, '.') + ']';
  }
  write_all(fd_, line + text + clear_line_);
  shown_ = true;
}

void Progress::hide() {
  if (!shown_) return;
  write_all(fd_, to_first_column_ + clear_line_);
  shown_ = false;
}
