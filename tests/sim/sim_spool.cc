#include "tests/sim/sim_spool.h"

#include <algorithm>
#include <cstring>

namespace sluice::sim {
namespace {

constexpr std::uint64_t kDevice = 9;

std::unexpected<Error> gone(std::string const& name) {
  return fail(Fault::kGone, "spool/" + name + ": no such file", "gone");
}

}  // namespace

class SimSpool::Opened final : public ports::OpenFile {
 public:
  explicit Opened(std::shared_ptr<Stored> stored) : stored_(std::move(stored)) {}

  Result<ports::FilePrint> print() const override { return stored_->print; }
  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    auto const& bytes = stored_->bytes;
    if (offset_bytes >= bytes.size()) return std::size_t{0};
    auto const count = std::min<std::size_t>(into.size(), bytes.size() - offset_bytes);
    std::memcpy(into.data(), bytes.data() + offset_bytes, count);
    return count;
  }
  ports::Writer writer() const override { return ports::Writer::kUnknown; }

 private:
  std::shared_ptr<Stored> stored_;
};

Result<void> SimSpool::write(std::string const&, std::string const& name, ports::SpoolPart const& part) {
  reached();
  auto const found = files_.find(name);
  if (!part.is_first && (found == files_.end() || found->second->bytes.size() != part.total_bytes))
    return fail(Fault::kLocal, "spool/" + name + ": no such file any more", ports::kSpoolLost);
  auto& stored = files_[name];
  if (!stored) stored = std::make_shared<Stored>();
  stored->bytes.resize(part.total_bytes);
  stored->print.size_bytes = part.total_bytes;
  stored->print.device = kDevice;
  if (stored->print.inode == 0) stored->print.inode = static_cast<std::uint64_t>(++changes_);
  auto const put = [&](std::size_t from, std::size_t count) {
    std::ranges::copy(part.bytes.substr(from, count),
                      stored->bytes.begin() + static_cast<std::ptrdiff_t>(part.offset_bytes + from));
    stored->print.mtime_ns = stored->print.ctime_ns = ++changes_;
  };
  auto const half = part.bytes.size() / 2;
  put(0, half);
  reached();
  put(half, part.bytes.size());
  reached();
  return {};
}

Result<void> SimSpool::remove(std::string const&, std::string const& name) {
  reached();
  files_.erase(name);
  reached();
  return {};
}

Result<std::vector<std::string>> SimSpool::names(std::string const&) {
  std::vector<std::string> all;
  for (auto const& [name, stored] : files_) all.push_back(name);
  return all;
}

Result<std::shared_ptr<ports::OpenFile>> SimSpool::open(std::string const& name) const {
  auto const found = files_.find(name);
  if (found == files_.end()) return gone(name);
  return std::make_shared<Opened>(found->second);
}

Result<ports::FilePrint> SimSpool::stat(std::string const& name) const {
  auto const found = files_.find(name);
  if (found == files_.end()) return gone(name);
  return found->second->print;
}

}  // namespace sluice::sim
