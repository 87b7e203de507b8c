// What comes from another process is believed only if an encoder could have written it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "platform/platform.hpp"
#include "process/hand_off.hpp"
#include "process/protocol.hpp"
#include "test.hpp"

using namespace brood;
using Bytes = std::vector<std::byte>;

static std::vector<protocol::Request> all_requests() {
  using protocol::Request, protocol::RequestKind;
  std::vector<Request> requests(5);
  requests[0].kind = RequestKind::Hello;
  requests[0].has_host = requests[0].has_arena = true;
  requests[0].host_pid = 4711;
  requests[0].host_start_time = 12345;
  requests[0].member = 1;
  requests[1].kind = RequestKind::Spawn;
  requests[1].child = 7;
  requests[1].member = 3;
  requests[1].pass_count = 2;
  requests[1].has_folder = true;
  requests[1].memory_bytes = 1 << 20;
  requests[1].has_stream = {true, false, true};
  requests[2].kind = RequestKind::Signal;
  requests[2].child = 8;
  requests[2].signal = 15;
  requests[3].kind = RequestKind::Kill;
  requests[3].child = 9;
  requests[4] = requests[1];
  requests[4].order = Bytes(100, std::byte{5});
  return requests;
}

static std::vector<protocol::Report> all_reports() {
  using protocol::Report, protocol::ReportKind;
  std::vector<Report> reports(5);
  reports[0].pid = 99;
  reports[1].kind = ReportKind::Started;
  reports[1].child = 1;
  reports[1].pid = 100;
  reports[2].kind = ReportKind::Failed;
  reports[2].child = 2;
  reports[2].step = SpawnStep::Exec;
  reports[2].os_code = 2;
  reports[3].kind = ReportKind::Died;
  reports[3].child = 3;
  reports[3].exit_code = -1;
  reports[3].signal = 9;
  reports[3].out_of_memory = true;
  reports[3].usage = {1, 2, 3, 4, 5};
  reports[4].kind = ReportKind::TreeGone;
  reports[4].child = 4;
  return reports;
}

static void requests_round_trip(void**) {
  for (const auto& request : all_requests()) {
    const auto decoded = protocol::decode_request(protocol::encode(request));
    assert_true(decoded.ok());
    assert_true(*decoded == request);
  }
  assert_int_equal(protocol::fd_count(all_requests()[0]), 3);
  assert_int_equal(protocol::fd_count(all_requests()[1]), 6);
  assert_int_equal(protocol::fd_count(all_requests()[3]), 0);
  // The order is no file here.
  assert_int_equal(protocol::fd_count(all_requests()[4]), 5);
}

static void reports_round_trip(void**) {
  for (const auto& report : all_reports()) {
    const auto decoded = protocol::decode_report(protocol::encode(report));
    assert_true(decoded.ok());
    assert_true(*decoded == report);
  }
}

// Every length but the right one is refused; every changed byte is refused or means something else.
template <class Decode>
static void damage(const Bytes& good, Decode decode) {
  for (size_t size = 0; size < good.size(); ++size) {
    const auto cut = decode(std::span(good).first(size));
    assert_false(cut.ok());
    assert_int_equal(cut.error().code(), Code::Protocol);
  }
  Bytes longer = good;
  longer.push_back({});
  assert_false(decode(longer).ok());
  for (size_t at = 0; at < good.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] ^= static_cast<std::byte>(1u << bit);
      const auto decoded = decode(bad);
      if (decoded) assert_true(protocol::encode(*decoded) == bad);
    }
  }
}

static void damaged_packets_are_refused(void**) {
  for (const auto& request : all_requests()) {
    damage(protocol::encode(request), protocol::decode_request);
  }
  for (const auto& report : all_reports())
    damage(protocol::encode(report), protocol::decode_report);
}

static void other_version_is_named(void**) {
  Bytes packet = protocol::encode(all_reports()[0]);
  packet[4] = std::byte{77};
  const auto decoded = protocol::decode_report(packet);
  assert_false(decoded.ok());
  assert_non_null(strstr(decoded.error().message().c_str(), "version 77"));
  const std::string ours = "version " + std::to_string(protocol::kVersion) + " ";
  assert_non_null(strstr(decoded.error().message().c_str(), ours.c_str()));
}

static Bytes some_order() {
  protocol::Order order;
  order.arguments = {"/bin/sh", "-c", ""};
  order.environment = {"A=1", "B="};
  order.folder = "/tmp";
  order.limits = {{7, 0, 64, 64}};
  order.cpus = {0, 1};
  auto bytes = protocol::encode(order);
  assert_true(bytes.ok());
  return *bytes;
}

static bool parse(std::span<const std::byte> bytes, OrderView* view) {
  // Aligned as malloc() does it for the keeper, and with nothing readable behind it for checkers.
  std::vector<uint64_t> room((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
  return parse_order(reinterpret_cast<const char*>(room.data()), bytes.size(), view);
}

static void orders_are_whole_or_refused(void**) {
  const Bytes good = some_order();
  OrderView view;
  assert_true(parse_order(reinterpret_cast<const char*>(good.data()), good.size(), &view));
  assert_string_equal(view.folder, "/tmp");
  assert_string_equal(view.arguments, "/bin/sh");
  assert_string_equal(view.environment, "A=1");
  assert_int_equal(view.limits[0].resource, 7);
  assert_int_equal(view.cpus[1], 1);
  for (size_t size = 0; size < good.size(); ++size) {
    assert_false(parse(std::span(good).first(size), &view));
  }
  // The header, bit by bit: refused, or harmless, which a sanitizer would tell.
  for (size_t bit = 0; bit < sizeof(OrderHeader) * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    (void)parse(bad, &view);
  }
  protocol::Order zero;
  zero.arguments = {std::string("a\0b", 3)};
  assert_int_equal(protocol::encode(zero).error().code(), Code::Invalid);
  zero.arguments = {};
  assert_int_equal(protocol::encode(zero).error().code(), Code::Invalid);
}

// ---- the hand-off ------------------------------------------------------------------------------

static const HandOffPlace kPlace = {3, 4711, "0123456789abcdef0123456789abcdef"};

static HandOff some_hand_off() {
  HandOff hand_off;
  hand_off.name = "worker-1";
  hand_off.parent_pid = 4711;
  hand_off.parent_start_time = 5;
  hand_off.depth = 1;
  hand_off.member = 17;
  hand_off.payload.resize(1000, std::byte{42});
  return hand_off;
}

static void hand_off_round_trips(void**) {
  const auto packet = encode_hand_off(some_hand_off(), kPlace);
  const auto decoded = decode_hand_off(*packet, kPlace);
  assert_true(decoded.ok() && decoded->has_value());
  assert_string_equal((*decoded)->name.c_str(), "worker-1");
  assert_int_equal((*decoded)->member, 17);
  assert_true((*decoded)->payload == some_hand_off().payload);
}

static void damaged_hand_off_is_refused(void**) {
  const Bytes good = *encode_hand_off(some_hand_off(), kPlace);
  for (size_t size = 0; size < good.size(); ++size) {
    const auto cut = decode_hand_off(std::span(good).first(size), kPlace);
    // Before the nonce is complete it is just not the one that is meant.
    assert_true(size < 40 ? cut.ok() && !cut->has_value() : cut.error().code() == Code::Protocol);
  }
  Bytes other = good;
  other[4] = std::byte{9};
  const auto version = decode_hand_off(other, kPlace);
  assert_int_equal(version.error().code(), Code::Protocol);
  assert_non_null(strstr(version.error().message().c_str(), "version 9"));
  assert_non_null(strstr(version.error().message().c_str(), "version 1"));
  HandOffPlace elsewhere = kPlace;
  elsewhere.nonce[0] = 'f';
  assert_false(decode_hand_off(good, elsewhere)->has_value());
  elsewhere = kPlace;
  elsewhere.parent_pid = 1;
  assert_false(decode_hand_off(good, elsewhere)->has_value());
}

static void damaged_variable_is_refused(void**) {
  const std::string nonce = kPlace.nonce;
  assert_true(parse_hand_off_variable("3:4711:" + nonce).ok());
  for (const std::string& bad :
       {std::string(), std::string("3"), "3:4711:" + nonce + "0", "3:4711:" + nonce.substr(1),
        "-1:4711:" + nonce, "3:0:" + nonce, "3:-5:" + nonce, "x:1:" + nonce, "1:4711:" + nonce,
        "3:99999999999999999999:" + nonce, "3:4711:" + nonce.substr(1) + "G", ":4711:" + nonce}) {
    const auto place = parse_hand_off_variable(bad);
    assert_false(place.ok());
    assert_int_equal(place.error().code(), Code::Protocol);
    assert_non_null(strstr(place.error().message().c_str(), "<fd>:<pid>"));
  }
}

// As a worker would: in a process of its own, with the socket where the variable says.
static int in_worker(const std::string& variable, int fd, const std::function<int()>& check) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (fd >= 0) dup2(fd, kHandOffFd);
    putenv(strdup(variable.c_str()));
    _exit(check());
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void worker_receives_its_hand_off_once(void**) {
  HandOff hand_off = some_hand_off();
  hand_off.parent_pid = getpid();
  hand_off.arena = *platform::make_anonymous_file({});
  auto ends = offer_hand_off(hand_off);
  assert_true(ends.ok());
  const int code = in_worker(ends->variable, ends->child_end.get(), [] {
    auto received = receive_hand_off();
    if (!received || !received->has_value()) return 1;
    if ((*received)->hand_off.name != "worker-1" || !(*received)->hand_off.arena) return 2;
    if (platform::trusted_environment(kHandOffVariable)) return 3;
    // A grandchild with a kept environment.
    putenv(strdup("BROOD_HANDOFF=3:1:0123456789abcdef0123456789abcdef"));
    auto again = receive_hand_off();
    return again.ok() && !again->has_value() ? 0 : 4;
  });
  assert_int_equal(code, 0);
}

static void worker_dies_with_the_control_socket(void**) {
  HandOff hand_off = some_hand_off();
  hand_off.parent_pid = getpid();
  hand_off.parent_start_time = platform::process_start_time(getpid());
  auto ends = offer_hand_off(hand_off);
  const pid_t pid = fork();
  if (pid == 0) {
    // In this order: the host's end may be where the worker's must go.
    ends->parent_end.reset();
    dup2(ends->child_end.get(), kHandOffFd);
    putenv(strdup(ends->variable.c_str()));
    auto received = receive_hand_off();
    if (!received || !received->has_value() || !start_parent_watch(**received)) _exit(1);
    for (;;) platform::cpu_relax();
  }
  ends->parent_end.reset();
  ends->child_end.reset();
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(requests_round_trip),
      cmocka_unit_test(reports_round_trip),
      cmocka_unit_test(damaged_packets_are_refused),
      cmocka_unit_test(other_version_is_named),
      cmocka_unit_test(orders_are_whole_or_refused),
      cmocka_unit_test(hand_off_round_trips),
      cmocka_unit_test(damaged_hand_off_is_refused),
      cmocka_unit_test(damaged_variable_is_refused),
      cmocka_unit_test(worker_receives_its_hand_off_once),
      cmocka_unit_test(worker_dies_with_the_control_socket),
  };
  return cmocka_run_group_tests_name("protocol", tests, nullptr, nullptr);
}
