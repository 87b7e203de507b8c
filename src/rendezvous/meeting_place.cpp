#include "rendezvous/meeting_place.hpp"

#include <string>

namespace brood {

namespace {

std::string place_of(std::string_view name, uint32_t user, unsigned place) {
  std::string text("brood/");
  text.append(std::to_string(user)).append("/").append(std::to_string(place)).append("/");
  return text.append(name);
}
static_assert(sizeof("brood/4294967295/0/") - 1 + kMostPublishedName <= platform::kMaxMeetingName &&
              kPlaces <= 10);

std::span<const std::byte> bytes_of(const std::string& place) {
  return std::as_bytes(std::span(place));
}

// Closed: nobody that counts. Who opened it may have died, and its name live on in a child.
Result<Approach> try_place(std::string_view name, uint32_t user, unsigned place) {
  auto met = platform::meet(bytes_of(place_of(name, user, place)));
  if (!met) return met.error();
  auto peer = platform::peer_identity(met->get());
  if (!peer) return peer.error();
  const bool serves =
      peer->user == user && (peer->pid == 0 || platform::process_alive(peer->pid, 0));
  if (!serves) return Error(Code::Closed);
  return Approach{std::move(*met), *peer};
}

std::string describe(const Result<Approach>& found) {
  if (!found || found->publisher.pid == 0) return "a process that does not answer";
  if (found->publisher.pid == platform::process_id()) return "this process";
  return std::string("process ").append(std::to_string(found->publisher.pid));
}

Error not_published(std::string_view name, std::string_view why) {
  std::string text("'");
  return Error(Code::State, text.append(name).append("' ").append(why));
}

bool is_nobody(const Result<Approach>& tried) {
  return !tried && tried.error().code() == Code::Closed;
}

}  // namespace

Result<platform::Fd> open_place(std::string_view name) {
  const uint32_t me = platform::effective_user();
  platform::Fd opened;
  unsigned mine = kPlaces;
  for (unsigned place = 0; place < kPlaces && !opened; ++place) {
    auto fd = platform::open_meeting(bytes_of(place_of(name, me, place)));
    if (fd) {
      opened = std::move(*fd);
      mine = place;
    } else if (fd.error().code() != Code::State) {
      return fd.error();
    }
  }
  // Looked at when it is open: of two who publish at once at least one sees the other.
  for (unsigned place = 0; place < kPlaces; ++place) {
    if (place == mine) continue;
    const auto other = try_place(name, me, place);
    if (is_nobody(other)) continue;
    // Timeout: it has more to answer than it can.
    if (!other && other.error().code() != Code::Timeout) return other.error();
    return not_published(name, std::string("is published already, by ").append(describe(other)));
  }
  if (opened) return opened;
  return not_published(name,
                       "cannot be published: other users, or children of publishers that died, "
                       "hold every place for it");
}

Result<Approach> approach(std::string_view name, uint32_t user) {
  for (unsigned place = 0; place < kPlaces; ++place) {
    auto tried = try_place(name, user, place);
    if (!is_nobody(tried)) return tried;
  }
  return Error(Code::Closed);
}

}  // namespace brood
