#include "queue_scene.hpp"

#include <cstring>
#include <sstream>

namespace brood::crash {

QueueScene::QueueScene(World& w, const RingSettings& settings)
    : world(w),
      host(std::make_unique<Party>(w, w.host)),
      victim(new Party(w, w.victim)),
      survivor(new Party(w, w.survivor)) {
  host->queue.emplace(*Queue::create(host->holdings, host->rack, settings));
  // Making regions is swept elsewhere: the victim finds them made.
  for (const size_t bytes : {size_t{64}, kLarge, size_t{kSegmentBytes}}) {
    (void)w.heap().free(*w.heap().allocate(bytes, w.victim.slot), w.victim.slot);
  }
  const Handle handle = host->queue->held().handle();
  victim->queue.emplace(*Queue::from(*victim->holdings.hold(handle), victim->rack));
  survivor->queue.emplace(*Queue::from(*survivor->holdings.hold(handle), survivor->rack));
  token.emplace(*CancelToken::create(host->holdings));
  victims_token.emplace(*CancelToken::from(*victim->holdings.hold(token->handle())));
}

std::string QueueScene::end() {
  // The survivor's references are its own; it has ended by now, or never began.
  reap(*world.arena, world.survivor, world.host.slot);
  token.reset();
  const Offset object = host->queue->held().offset();
  host->queue.reset();
  const TagState state = world.heap().tag_of(object).state();
  host.reset();
  return state == TagState::Free ? "" : "the queue outlives its last holder";
}

Letters::Letters(const std::string& words) {
  std::istringstream all(words);
  std::string word;
  while (all >> word) {
    letters_.push_back(
        {std::string(strtoul(word.c_str() + 1, nullptr, 10), word[0]), word.back() == 'h'});
  }
}

Status Letters::put(Party& party, int64_t timeout_ms, const CancelToken* token) const {
  std::vector<Parcel> parcels;
  parcels.reserve(letters_.size());
  for (const Letter& letter : letters_) {
    const auto* data = reinterpret_cast<const std::byte*>(letter.text.data());
    if (letter.with_handle) {
      const Message::Ptr message = Message::copy(data, letter.text.size(), 1);
      BROOD_TRY(message->attach(token->held()));
      parcels.push_back(std::move(*Parcel::of_message(party.holdings, *message)));
    } else {
      parcels.push_back(std::move(*Parcel::of_bytes(party.holdings, data, letter.text.size(), 1)));
    }
  }
  std::vector<Outgoing> items;
  for (const Parcel& parcel : parcels) items.push_back(parcel.item());
  auto put = party.queue->ring().put(items, Deadline::after_ms(timeout_ms), nullptr);
  if (!put) return put.error();
  for (size_t index = 0; index < *put; ++index) parcels[index].sent();
  return *put == items.size() ? Status() : Status(Error(Code::Timeout));
}

std::string read_letters(Message& message) {
  const char letter = message.size() > 0 ? static_cast<char>(message.data()[0]) : 'v';
  for (size_t at = 0; at < message.size(); ++at) {
    if (message.data()[at] != std::byte(letter)) return "torn";
  }
  if (message.codec() != 1) return "torn";
  std::string text(1, letter);
  text += std::to_string(message.size());
  if (message.handle_count() > 0) {
    auto token = CancelToken::from(*message.take(0));
    if (!token) return "torn";
    text += 'h';
  }
  return text;
}

std::string drain(Ring& ring) {
  std::string all;
  for (;;) {
    Message::Ptr message;
    auto got = ring.get({&message, 1}, Deadline::after_ms(0), nullptr);
    if (!got) {
      const bool end = got.error().code() == Code::Timeout || got.error().code() == Code::Closed;
      return end ? all : "refused: " + got.error().message();
    }
    if (!all.empty()) all += ' ';
    all += read_letters(*message);
  }
}

std::string goes_on(QueueScene& scene) {
  if (!put_letters(*scene.host, "z100 z5000", 1000)) return "HANG: nobody can put any more";
  const std::string there = drain(scene.host_ring());
  return there == "z100 z5000" ? "" : "put z100 z5000 and got " + there;
}

Operation queue_operation(const char* name, const RingSettings& settings,
                          const std::function<void(QueueScene&)>& prepare,
                          const std::function<void(QueueScene&)>& act,
                          const std::function<int(QueueScene&)>& survive,
                          const std::function<std::string(QueueScene&, pid_t, bool)>& check) {
  auto kept = std::make_shared<std::unique_ptr<QueueScene>>();
  return {name,
          [=](World& world) {
            *kept = std::make_unique<QueueScene>(world, settings);
            prepare(**kept);
          },
          [=](World&) { act(**kept); },
          [=](World& world) -> pid_t {
            return survive ? world.park_survivor([&] { return survive(**kept); }) : 0;
          },
          [=](World&, pid_t survivor, bool acked) {
            std::string wrong = check(**kept, survivor, acked);
            if (wrong.empty()) wrong = (*kept)->end();
            return wrong;
          }};
}

}  // namespace brood::crash
