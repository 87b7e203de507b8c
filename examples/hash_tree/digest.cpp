#include "digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

constexpr size_t kBufferBytes = 256 * 1024;

class File {
 public:
  // Neither a link nor a named pipe that took the file's place since it was listed shall be read.
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void must(int result) {
  if (result != 1) throw std::runtime_error("libcrypto refuses SHA-256");
}

int hash_bytes(const File& file, EVP_MD_CTX* context, uint64_t& bytes) {
  // One buffer for the life of the process: fresh memory costs more than the hashing of a small
  // file.
  static std::vector<unsigned char> buffer(kBufferBytes);
  for (;;) {
    const ssize_t got = read(file.fd(), buffer.data(), buffer.size());
    if (got == 0) return 0;
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    must(EVP_DigestUpdate(context, buffer.data(), static_cast<size_t>(got)));
    bytes += static_cast<uint64_t>(got);
  }
}

}  // namespace

Digest hash_file(const std::string& path) {
  Digest digest;
  const File file(path);
  struct stat status {};
  if (file.fd() < 0 || fstat(file.fd(), &status) != 0) {
    digest.error = errno;
    return digest;
  }
  if (!S_ISREG(status.st_mode)) {
    digest.error = ENOENT;
    return digest;
  }
  // Fetching the algorithm costs more than hashing a small file: once a process.
  static const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(EVP_DigestInit_ex2(context.get(), algorithm, nullptr));
  digest.error = hash_bytes(file, context.get(), digest.bytes);
  must(EVP_DigestFinal_ex(context.get(), digest.hash.data(), nullptr));
  return digest;
}

std::string checksum_line(const Digest& digest, const std::string& path) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string line;
  const bool odd = path.find_first_of("\\\n\r") != std::string::npos;
  if (odd) line += '\\';
  for (const unsigned char byte : digest.hash) {
    line += kHex[byte >> 4];
    line += kHex[byte & 15];
  }
  line += "  ";
  for (const char c : path) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else {
      line += c;
    }
  }
  return line + '\n';
}
