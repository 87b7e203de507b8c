// A progress bar on the last line of a terminal, drawn with what terminfo knows of it.
//
// Debian 12 has no progress bar library for C or C++; its full-screen libraries (newt, S-Lang,
// ncurses' windows) would take the screen from the lines that this program prints. So the bar uses
// the storey below them, ncurses' terminfo, for the two things a bar needs: back to the first
// column, clear to the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

class Progress {
 public:
  // Draws on `fd` if that is a terminal that can do it and `wanted`; otherwise it does nothing.
  Progress(int fd, bool wanted);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { hide(); }

  bool on() const { return on_; }
  void set_total(uint64_t bytes) { total_ = bytes; }
  // At most ten times a second: drawing must not cost what hashing costs.
  void update(uint64_t done, uint64_t files);
  // Before other text goes to the terminal, and at the end.
  void hide();

 private:
  void draw(uint64_t done, uint64_t files);

  int fd_;
  bool on_ = false;
  bool shown_ = false;
  uint64_t total_ = 0;
  std::string to_first_column_;
  std::string clear_line_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
};
