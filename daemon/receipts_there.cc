#include "daemon/receipts_there.h"

#include <filesystem>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".sluice.json";
constexpr std::size_t kProblemsMax = 100;

Error no_receipt(std::string text) { return {Fault::kRejected, std::move(text), "no_receipt"}; }

Result<std::string> text_of(ports::Files& files, std::string const& root, std::string const& path) {
  SLUICE_TRY(file, files.open(root, path));
  SLUICE_TRY(print, file->print());
  if (print.size_bytes > kReceiptBytesMax)
    return std::unexpected(no_receipt("it has " + std::to_string(print.size_bytes) + " bytes"));
  std::string text(print.size_bytes, '\0');
  SLUICE_TRY(count, file->read_at(std::as_writable_bytes(std::span(text)), 0));
  text.resize(count);
  return text;
}

class Walk {
 public:
  Walk(ports::Files& files, ReceiptsThere& there) : files_(files), there_(there) {}

  // A folder that cannot be read hides receipts, which then decide nothing: a person is asked all the same.
  void operator()(std::string const& root, bool recursive) {
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (!recursive) at.disable_recursion_pending();
      auto const path = at->path().string();
      if (!path.ends_with(kSuffix)) continue;
      if (there_.read + there_.unreadable >= kReceiptsMax) {
        there_.is_cut_off = true;
        return;
      }
      take(root, path.substr(root.size() + (root.ends_with('/') ? 0 : 1)));
    }
  }

 private:
  void take(std::string const& root, std::string const& path) {
    auto const text = text_of(files_, root, path);
    auto receipt = text ? read_receipt(*text) : std::unexpected(text.error());
    if (!receipt) {
      ++there_.unreadable;
      if (there_.problems.size() < kProblemsMax)
        there_.problems.push_back(root + "/" + path + ": " + receipt.error().text);
      return;
    }
    ++there_.read;
    there_.of_asset.insert_or_assign(receipt->asset_id, *receipt);
  }

  ports::Files& files_;
  ReceiptsThere& there_;
};

}  // namespace

Result<Receipt> read_receipt(std::string_view text) {
  auto const json = parse_json(text);
  if (!json) return std::unexpected(no_receipt("it is no JSON: " + json.error().text));
  SLUICE_TRY(schema, json->text("schema"));
  if (schema != "sluice.receipt/1") return std::unexpected(no_receipt("it is no receipt of Sluice"));
  SLUICE_TRY(asset_id, json->text("asset_id"));
  if (!asset_id || asset_id->empty()) return std::unexpected(no_receipt("it names no asset"));
  SLUICE_TRY(content_key, json->text("content_key"));
  SLUICE_TRY(size, json->size("size"));
  return Receipt{
      .asset_id = *std::move(asset_id), .content_key = content_key.value_or(""), .size_bytes = size.value_or(0)};
}

ReceiptsThere receipts_there(ports::Files& files, std::vector<stage::SourcePolicy> const& sources) {
  ReceiptsThere there;
  Walk walk(files, there);
  std::set<std::pair<std::string, bool>> walked;  // several sources may share one folder
  for (auto const& source : sources) {
    auto const is_beside = source.receipt.where == ReceiptWish::Where::kBeside;
    if (!source.swept || source.receipt.where == ReceiptWish::Where::kNone) continue;
    std::pair place{is_beside ? source.root : source.receipt.folder, !is_beside || source.recursive};
    if (walked.insert(place).second) walk(place.first, place.second);
  }
  return there;
}

}  // namespace sluice::daemon
