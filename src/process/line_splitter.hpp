// Cuts a stream of bytes into lines, whatever their length and however the bytes arrive.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace brood {

class LineSplitter {
 public:
  // Calls `line` for each line that these bytes complete, without its end.
  template <class Line>
  void feed(std::string_view bytes, Line&& line) {
    for (size_t end; (end = bytes.find('\n')) != bytes.npos; bytes.remove_prefix(end + 1)) {
      if (begun_.empty()) {
        line(bytes.substr(0, end));
        continue;
      }
      begun_.append(bytes.substr(0, end));
      line(std::string_view(begun_));
      // Gives a long line's memory back.
      begun_ = {};
    }
    begun_.append(bytes);
  }

  // No more bytes come: a last line without an end is one too.
  template <class Line>
  void finish(Line&& line) {
    if (!begun_.empty()) line(std::string_view(begun_));
    begun_ = {};
  }

 private:
  std::string begun_;
};

}  // namespace brood
