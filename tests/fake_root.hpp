// A folder that looks like /, with what the library reads of the kernel's files.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

namespace brood::test {

class FakeRoot {
 public:
  FakeRoot() {
    char name[] = "/tmp/brood-root-XXXXXX";
    if (mkdtemp(name) == nullptr) abort();
    path_ = name;
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;
  ~FakeRoot() {
    const std::string command = "rm -rf " + path_;
    (void)!system(command.c_str());
  }
  void write(const std::string& file, const std::string& text) const {
    make_folder(file.substr(0, file.find_last_of('/')));
    std::ofstream(path_ + file) << text;
  }
  void make_folder(const std::string& folder) const {
    const std::string whole = path_ + folder + "/";
    for (size_t at = path_.size() + 1; (at = whole.find('/', at)) != std::string::npos; ++at) {
      mkdir(whole.substr(0, at).c_str(), 0700);
    }
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace brood::test
