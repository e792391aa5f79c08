#include "tests/sim/sim_results.h"

#include <algorithm>

namespace sluice::sim {
namespace {

std::unexpected<Error> failed(std::string const& path, char const* how) {
  return fail(Fault::kLocal, path + ": " + how);
}

}  // namespace

bool SimResults::is_full() {
  auto const since = clock_.now() - kBeginning;
  if (since < full_.first || since >= full_.second) return false;
  ++fired_["results.full"];
  return true;
}

void SimResults::set(SimFiles::Inode& inode, std::string text) {
  inode.content.size_bytes = text.size();
  inode.text = std::move(text);
  files_.touch(inode);
}

Result<ports::ResultsFile> SimResults::make(std::string const& path, bool) {
  reached();
  auto& inode = files_.tree_[path];
  if (inode && !inode->text.empty()) return fail(Fault::kLocal, path + ": is there already, and not empty", "taken");
  if (!inode) {
    if (is_full() || files_.trouble_.strikes(FileCall::kWrite)) {
      files_.tree_.erase(path);
      return failed(path, "make: No space left on device");
    }
    inode = std::make_shared<SimFiles::Inode>();
    inode->print.inode = files_.next_inode_++;
    inode->print.device = 7;
    synced_[path].reset();
    files_.touch(*inode);
  }
  auto const number = inode->print.inode;
  reached();
  synced_[path] = "";
  reached();
  return ports::ResultsFile{.path = path, .inode = number, .bytes = 0};
}

Result<std::uint64_t> SimResults::append(ports::ResultsFile const& file, std::string_view text) {
  reached();
  auto const found = files_.tree_.find(file.path);
  if (found == files_.tree_.end() || found->second->print.inode != file.inode)
    return fail(Fault::kGone, file.path + ": is another file now");
  auto const inode = found->second;
  auto whole = inode->text.substr(0, static_cast<std::size_t>(file.bytes));
  if (whole != inode->text) set(*inode, whole);
  auto const half = whole + std::string(text.substr(0, text.size() / 2));
  whole += text;
  reached();
  set(*inode, half);
  reached();
  if (is_full() || files_.trouble_.strikes(FileCall::kWrite))
    return failed(file.path, "write: No space left on device");
  set(*inode, whole);
  reached();
  if (files_.trouble_.strikes(FileCall::kWrite)) return failed(file.path, "sync: Input/output error");
  synced_[file.path] = whole;
  reached();
  return std::uint64_t{whole.size()};
}

void SimResults::cut_power() {
  for (auto& [path, synced] : synced_) {
    auto const found = files_.tree_.find(path);
    if (found == files_.tree_.end()) continue;
    auto& inode = *found->second;
    if (!synced && dice_.chance(0.5)) {
      files_.tree_.erase(found);
      ++fired_["results.lost"];
      continue;
    }
    auto const safe = synced.value_or("");
    auto left = inode.text;
    if (auto const same = std::ranges::mismatch(left, safe).in1 - left.begin(); same < std::ssize(left)) {
      auto const roll = dice_.unit();
      auto const kept = static_cast<std::size_t>(dice_.between(same, std::ssize(left)));
      if (roll < 0.4) {
        left = safe;
        ++fired_["results.lost"];
      } else {
        auto const size = left.size();
        left.resize(kept);
        if (roll < 0.7) left.resize(size, '\0');  // its length was written before its bytes
        ++fired_["results.torn"];
      }
    } else if (left.size() < safe.size() && dice_.chance(0.5)) {
      left = safe;  // it was cut, and the cut is lost
      ++fired_["results.lost"];
    }
    if (left != inode.text) set(inode, left);
    synced = left;
  }
}

}  // namespace sluice::sim
