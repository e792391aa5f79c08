#include "tests/sim/sim_files.h"

#include <algorithm>
#include <cstring>

#include "tests/sim/digests.h"

namespace sluice::sim {
namespace {

constexpr std::size_t kShortReadBytes = 3'000;            // no read gives more: callers must go on where it ended
constexpr std::uint64_t kDevice = 7, kDeviceBeneath = 9;  // of the tree, and of what it is mounted upon

}  // namespace

// Eight bytes at a time: a byte depends on its offset alone, never on where a read begins.
void Content::fill(std::span<std::byte> into, std::uint64_t offset_bytes) const {
  auto at = offset_bytes;
  for (auto* to = into.data(); to != into.data() + into.size();) {
    auto const word = mixed(seed ^ mixed(at / 8));
    auto const skip = at % 8;
    auto const count = std::min<std::uint64_t>(8 - skip, static_cast<std::uint64_t>(into.data() + into.size() - to));
    std::memcpy(to, reinterpret_cast<char const*>(&word) + skip, count);
    to += count;
    at += count;
  }
}

std::string Content::sha256_hex() const {
  std::string bytes(size_bytes, '\0');
  fill(std::as_writable_bytes(std::span(bytes)), 0);
  return sha256_hex_of(bytes);
}

void SimFiles::Trouble::fail_at(FileCall call, std::uint64_t nth, bool goes_on) {
  armed = call;
  armed_at = calls[static_cast<std::size_t>(call)] + nth;
  for_good = goes_on;
}

void SimFiles::Trouble::by_dice(double chance, std::uint32_t most) {
  probability = chance;
  left = most;
}

void SimFiles::Trouble::heal() {
  armed.reset();
  left = 0;
}

bool SimFiles::Trouble::strikes(FileCall call) {
  static constexpr std::string_view kNames[] = {"file.open_failed", "file.stat_failed",  "file.list_failed",
                                                "file.read_failed", "file.write_failed", "act.failed",
                                                "act.folder_missed"};
  auto const at = static_cast<std::size_t>(call);
  auto const nth = ++calls[at];
  auto hit = armed == call && (nth == armed_at || (for_good && nth > armed_at));
  if (!hit && left > 0 && dice.chance(probability)) {
    left -= 1;
    hit = true;
  }
  if (hit) ++fired[kNames[at]];
  return hit;
}

class SimFiles::Opened final : public ports::OpenFile {
 public:
  Opened(std::shared_ptr<Inode> inode, Trouble& trouble, SimClock const& clock)
      : inode_(std::move(inode)), trouble_(trouble), clock_(clock) {}

  Result<ports::FilePrint> print() const override {
    if (trouble_.strikes(FileCall::kStat)) return fail(Fault::kSourceIo, "fstat: Input/output error", "io");
    return inode_->print;
  }

  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    if (trouble_.strikes(FileCall::kRead)) return fail(Fault::kSourceIo, "read: Input/output error", "io");
    auto const& content = inode_->content;
    if (auto const& text = inode_->text; !text.empty()) {
      auto const some = std::string_view(text).substr(std::min<std::size_t>(text.size(), offset_bytes), into.size());
      std::memcpy(into.data(), some.data(), some.size());
      return some.size();
    }
    if (offset_bytes >= content.size_bytes) return std::size_t{0};
    auto const left = content.size_bytes - offset_bytes;
    auto const count = static_cast<std::size_t>(std::min<std::uint64_t>({into.size(), left, kShortReadBytes}));
    content.fill(into.first(count), offset_bytes);
    return count;
  }

  ports::Writer writer() const override {
    if (!inode_->has_leases) return ports::Writer::kUnknown;
    return clock_.now() < inode_->written_until ? ports::Writer::kPresent : ports::Writer::kNone;
  }
  ports::Writer keep_writers_out() override {
    auto const found = writer();
    if (found == ports::Writer::kNone) writers_then_ = inode_->writers;
    return found;
  }
  ports::Writer writer_since() const override {
    if (!writers_then_) return ports::Writer::kUnknown;
    return *writers_then_ == inode_->writers ? ports::Writer::kNone : ports::Writer::kPresent;
  }

 private:
  std::shared_ptr<Inode> inode_;
  Trouble& trouble_;
  SimClock const& clock_;
  std::optional<std::uint64_t> writers_then_ = {};
};

void SimFiles::touch(Inode& inode) {
  auto const now = std::chrono::nanoseconds(clock_.now().time_since_epoch()).count();
  inode.print.size_bytes = inode.content.size_bytes;
  // Two writes within one tick of the clock must still show.
  inode.print.mtime_ns = std::max(now, inode.print.mtime_ns + 1);
  inode.print.ctime_ns = inode.print.mtime_ns;
}

void SimFiles::create(std::string const& path, Content content) {
  auto inode = std::make_shared<Inode>();
  inode->content = content;
  inode->print.inode = next_inode_++;
  inode->has_leases = mixed(inode->print.inode) % 2 == 0;
  inode->print.device = kDevice;
  touch(*inode);
  tree_[path] = std::move(inode);
  history_[path].push_back(content);
}

void SimFiles::write(std::string const& path, std::string text) {
  auto inode = std::make_shared<Inode>();
  inode->content = {.seed = 0, .size_bytes = text.size()};
  inode->text = std::move(text);
  inode->print.inode = next_inode_++;
  inode->print.device = kDevice;
  touch(*inode);
  texts_[path].push_back(inode->text);
  tree_[path] = std::move(inode);
}

void SimFiles::write_more(std::string const& path, std::string_view text) {
  auto& inode = *tree_.at(path);
  inode.text += text;
  inode.content.size_bytes = inode.text.size();
  touch(inode);
  texts_[path].push_back(inode.text);
}

std::string SimFiles::text_at(std::string const& path) const {
  auto const found = tree_.find(path);
  return found == tree_.end() ? std::string() : found->second->text;
}

void SimFiles::overwrite(std::string const& path, Content content) {
  auto& inode = *tree_.at(path);
  inode.content = content;
  ++inode.writers;
  touch(inode);
  history_[path].push_back(content);
}

void SimFiles::append(std::string const& path, std::uint64_t bytes) {
  auto content = tree_.at(path)->content;
  content.size_bytes += bytes;
  overwrite(path, content);
}

void SimFiles::remove(std::string const& path) { tree_.erase(path); }

void SimFiles::change_mode(std::string const& path) {
  auto const found = tree_.find(path);
  if (found == tree_.end()) return;
  auto& print = found->second->print;
  auto const now = std::chrono::nanoseconds(clock_.now().time_since_epoch()).count();
  print.ctime_ns = std::max(now, print.ctime_ns + 1);
}

void SimFiles::open_to_write(std::string const& path, WallTime until) {
  auto const found = tree_.find(path);
  if (found == tree_.end()) return;
  ++found->second->writers;
  found->second->written_until = std::max(found->second->written_until, until);
}

std::set<std::string> SimFiles::paths() const {
  std::set<std::string> all;
  for (auto const& [path, contents] : history_) all.insert(path);
  return all;
}

std::string SimFiles::place(std::string const& root, std::string const& relative) const {
  return roots_.contains(root) ? root + "/" + relative : relative;
}

bool SimFiles::is_mount_point(std::string const& root) const {
  auto const found = away_.find(root);
  return found != away_.end() && found->second;
}

Result<std::shared_ptr<ports::OpenFile>> SimFiles::open(std::string const& root, std::string const& relative) {
  if (trouble_.strikes(FileCall::kOpen)) return fail(Fault::kLocal, relative + ": Too many open files");
  if (spool_ != nullptr && root == spool_root_) return spool_->open(relative);
  auto const found = is_away(root) ? tree_.end() : tree_.find(place(root, relative));
  if (found == tree_.end()) return fail(Fault::kGone, relative + ": no such file");
  return std::make_shared<Opened>(found->second, trouble_, clock_);
}

Result<ports::FilePrint> SimFiles::stat(std::string const& root, std::string const& relative) {
  if (trouble_.strikes(FileCall::kStat)) return fail(Fault::kSourceIo, relative + ": Input/output error", "io");
  if (spool_ != nullptr && root == spool_root_)
    return relative.empty() ? ports::FilePrint{.device = kDevice} : spool_->stat(relative);
  if (relative.empty() && (!is_away(root) || is_mount_point(root)))
    return ports::FilePrint{.device = is_away(root) ? kDeviceBeneath : kDevice};
  auto const found = is_away(root) ? tree_.end() : tree_.find(place(root, relative));
  if (found == tree_.end()) return fail(Fault::kGone, relative + ": no such file");
  return found->second->print;
}

Result<std::unique_ptr<ports::Listing>> SimFiles::list(std::string const& root, std::string const& relative) {
  if (trouble_.strikes(FileCall::kList)) return fail(Fault::kSourceIo, relative + ": Input/output error", "io");
  if (is_away(root) && (!relative.empty() || !is_mount_point(root)))
    return fail(Fault::kGone, root + ": no such folder");
  if (is_away(root)) return std::make_unique<ports::WholeListing>(std::vector<ports::DirEntry>());
  auto const prefix = place(root, relative.empty() ? std::string() : relative + "/");
  std::vector<ports::DirEntry> entries;
  std::set<std::string> folders;
  for (auto const& [path, inode] : tree_) {
    if (!path.starts_with(prefix) || path.starts_with('/') != prefix.starts_with('/')) continue;
    auto const rest = path.substr(prefix.size());
    auto const slash = rest.find('/');
    if (slash == std::string::npos)
      entries.push_back({.name = rest, .type = ports::FileType::kRegular, .print = inode->print});
    else if (auto const folder = rest.substr(0, slash); folders.insert(folder).second)
      entries.push_back({.name = folder, .type = ports::FileType::kDirectory, .print = {}});
  }
  return std::make_unique<ports::WholeListing>(std::move(entries));
}

Result<std::string> SimFiles::sniff(ports::OpenFile const&) { return std::string(); }

}  // namespace sluice::sim
