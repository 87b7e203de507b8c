// The nursery's whole state: its host and the wards it keeps for it. One thread runs it all, on
// libuv's loop.
#pragma once

#include <uv.h>

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "nursery/keeper_process.hpp"
#include "nursery/linux/memory_group.hpp"
#include "nursery/ward.hpp"
#include "platform/platform.hpp"
#include "process/protocol.hpp"
#include "shm/arena.hpp"

namespace brood {

class Family {
 public:
  // `host` is the socket to the host. `keeper` is the path of brood-keeper.
  Family(platform::Fd host, std::string keeper);

  // Returns only when libuv cannot work; otherwise the process ends with the host.
  Status run();

  // What wards use.
  uv_loop_t* loop() { return &loop_; }
  const std::string& keeper() const { return keeper_; }
  int null_fd() const { return null_.get(); }
  int trees_fd() const { return trees_.get(); }
  void send(const protocol::Report& report);
  // One that waits, or a new one, which `fresh` says; null with errno in `failed`.
  KeeperProcess* take_keeper(bool& fresh, int& failed);
  // It is ready for another ward.
  void return_keeper(KeeperProcess* keeper);
  // It has ended, and after that, its handles are closed.
  void remove_keeper(KeeperProcess* keeper);
  void forget(KeeperProcess* keeper) { keepers_.erase(keeper); }
  // Something killed this ward's keeper: its tree is now below the nursery, to be ended here.
  void adopt_tree(uint64_t child);
  // The ward closed its handles.
  void forget(uint64_t child) { wards_.erase(child); }
  bool killed_for_memory();
  MemoryGroups& memory_groups() { return memory_groups_; }
  // The member's process is dead; nobody was told yet.
  void on_member_death(uint32_t member);
  // A tree has ended: with a member its own workers and their nurseries are gone.
  void on_tree_gone();

 private:
  void watch_host();
  void receive();
  void take(const protocol::Request& request, platform::Packet packet);
  void join_members(std::unique_ptr<Arena> arena, MemberSlot host);
  void greet(const protocol::Request& request, std::vector<platform::Fd> fds);
  void flush();
  void end_orphans();
  [[noreturn]] void end_everything();
  bool is_keeper(int64_t pid) const { return keeper_pids_.count(pid) != 0; }

  uv_loop_t loop_{};
  uv_poll_t host_poll_{};
  uv_poll_t host_process_poll_{};
  uv_timer_t host_timer_{};
  uv_timer_t orphan_timer_{};
  platform::Fd host_;
  platform::Fd host_process_;
  int64_t host_pid_ = 0;
  uint64_t host_start_time_ = 0;
  std::string keeper_;
  platform::Fd null_;
  platform::Fd trees_;
  std::unique_ptr<Arena> arena_;  // none: the host reaps
  MemberId me_;                   // so that the host goes on with what this one had begun to reap
  uint64_t memory_kills_ = 0;
  MemoryGroups memory_groups_;                 // before the wards, which have them
  std::deque<std::vector<std::byte>> unsent_;  // while the host does not read
  bool waits_to_send_ = false;
  std::unordered_map<uint64_t, std::unique_ptr<Ward>> wards_;
  std::unordered_map<KeeperProcess*, std::unique_ptr<KeeperProcess>> keepers_;
  std::unordered_set<int64_t> keeper_pids_;  // of those that libuv still waits for
  std::vector<KeeperProcess*> idle_keepers_;
  std::vector<uint64_t> adopted_;  // wards whose trees are ended here
};

}  // namespace brood
