// Shared memory on Linux: a sealed memfd, given memory by fallocate, so that running out is an
// error there and not a SIGBUS at the first touch.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "platform/platform.hpp"

namespace brood::platform {

namespace {

#ifndef MFD_NOEXEC_SEAL
constexpr unsigned kNoExecSeal = 0x8;  // Linux 6.3
#else
constexpr unsigned kNoExecSeal = MFD_NOEXEC_SEAL;
#endif

int open_memfd() {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // Where vm.memfd_noexec is 2 only this form is allowed; before 6.3 it is an unknown flag.
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "brood", flags | kNoExecSeal));
  if (fd >= 0 || errno != EINVAL) return fd;
  return static_cast<int>(syscall(SYS_memfd_create, "brood", flags));
}

// Growing a file beyond RLIMIT_FSIZE raises SIGXFSZ, which would end the program: looked at before.
bool over_file_limit(uint64_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
         bytes > limit.rlim_cur;
}

}  // namespace

Result<Fd> create_shared_memory(uint64_t bytes) {
  if (bytes == 0 || bytes > INT64_MAX) {
    return Error(Code::Invalid, "shared memory of " + std::to_string(bytes) + " bytes");
  }
  if (over_file_limit(bytes)) {
    return Error(Code::NoMemory, "the file size limit of this process (RLIMIT_FSIZE) is below " +
                                     std::to_string(bytes) + " bytes of shared memory");
  }
  Fd fd(open_memfd());
  if (!fd) return Error::os("shared memory without a name (memfd_create) is refused here", errno);
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return Error::os("sizing shared memory to " + std::to_string(bytes) + " bytes", errno);
  }
  // Without seals a broken member could shrink the file under the others; everything else works.
  fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

Result<uint64_t> shared_memory_size(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return Error::os("looking at the size of shared memory", errno);
  if (!S_ISREG(info.st_mode)) return Error(Code::Invalid, "the fd is no shared memory");
  return static_cast<uint64_t>(info.st_size);
}

namespace {

Result<Mapping> map_part(int fd, uint64_t offset, uint64_t bytes, int protection) {
  void* data =
      mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) {
    return Error::os("mapping " + std::to_string(bytes) + " bytes of shared memory", errno);
  }
  Mapping mapping({static_cast<std::byte*>(data), bytes});
  // A core dump reads every page, and reading a sparse one makes it: that takes the machine down.
  if (madvise(data, bytes, MADV_DONTDUMP) != 0) {
    return Error::os("keeping shared memory out of core dumps (madvise)", errno);
  }
  return mapping;
}

}  // namespace

Result<Mapping> map_shared(int fd, uint64_t bytes) {
  return map_part(fd, 0, bytes, PROT_READ | PROT_WRITE);
}

Result<Mapping> map_shared_view(int fd, uint64_t offset, uint64_t bytes) {
  return map_part(fd, offset, bytes, PROT_READ);
}

void MappingTraits::close(const Value& value) { munmap(value.data, value.size); }

Status commit_shared(int fd, uint64_t offset, uint64_t bytes) {
  while (fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    // A memfd says "no space" when it means memory.
    if (errno == ENOSPC || errno == ENOMEM) {
      return Error(Code::NoMemory,
                   "no memory for " + std::to_string(bytes) + " more bytes of shared memory");
    }
    return Error::os("getting memory behind shared memory (fallocate)", errno);
  }
  return {};
}

void decommit_shared(int fd, uint64_t offset, uint64_t bytes) {
  while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                   static_cast<off_t>(bytes)) != 0 &&
         errno == EINTR) {
  }
}

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

uint64_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<uint64_t>(pages) * page_size() : 0;
}

}  // namespace brood::platform
