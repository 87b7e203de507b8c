// Only in a static nursery. libuv can look up the home folder, which the nursery never does; the C
// library's function for it would load shared libraries into a static program.
#include <pwd.h>

#include <cerrno>

extern "C" int getpwuid_r(uid_t, passwd*, char*, size_t, passwd**) { return ENOSYS; }
