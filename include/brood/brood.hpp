/**
 * @file
 * brood for C++20: the C API with owners, exceptions, spans and durations, and typed functions.
 *
 *     static const auto fib = brood::function("fib", [](int n) -> long { ... });
 *
 *     int main(int argc, char **argv) {
 *       brood::init(argc, argv);                     // a worker does not come back from here
 *       brood::Pool pool;
 *       std::vector<long> some = pool.map(fib, std::vector{10, 20, 30});
 *     }
 *
 * Header-only over libbrood's C functions: it adds no ABI of its own. Handles are move-only,
 * `get()` lends the C handle. Failures are exceptions (cpp/error.hpp); what a caller waits for in
 * good faith (a time that ran out, the end of a stream) is a return value where the function says
 * so. Values travel as MessagePack by msgpack-cxx; bytes that do not decode fail exactly the task
 * they belong to.
 */
#ifndef BROOD_BROOD_HPP
#define BROOD_BROOD_HPP

#include <brood/brood.h>

#include <brood/cpp/error.hpp>
#include <brood/cpp/function.hpp>
#include <brood/cpp/handle.hpp>
#include <brood/cpp/message.hpp>
#include <brood/cpp/pipe.hpp>
#include <brood/cpp/pool.hpp>
#include <brood/cpp/process.hpp>
#include <brood/cpp/queue.hpp>
#include <brood/cpp/rendezvous.hpp>
#include <brood/cpp/shared.hpp>
#include <brood/cpp/stream.hpp>
#include <brood/cpp/sync.hpp>

#endif
