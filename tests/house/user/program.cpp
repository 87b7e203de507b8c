// A user's program in C++: asks a worker by which program it was started, and prints the answer.
#include <unistd.h>

#include <brood/brood.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

static const auto starter = brood::function("starter", [](int) -> std::string {
  return std::filesystem::read_symlink("/proc/" + std::to_string(getppid()) + "/exe").string();
});

int main(int argc, char** argv) try {
  brood::init(argc, argv);
  brood::Pool pool({.workers = 1});
  std::puts(pool.call(starter, 0).c_str());
} catch (const brood::Error& error) {
  std::puts(error.what());
  return 1;
}
