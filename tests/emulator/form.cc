#include "form.h"

#include <algorithm>

#include "text.h"

namespace sluice::emulator {

namespace {

constexpr std::size_t kHeadersMax = 16U << 10U;

// Finds `name=value` or `name="value"` among the parameters of a header value.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    ++at;
    at = header.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) return std::nullopt;
    auto const equals = header.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    bool const wanted = lower(header.substr(at, equals - at)) == name;
    std::string value;
    std::size_t end = equals + 1;
    if (end < header.size() && header[end] == '"') {
      for (++end; end < header.size() && header[end] != '"'; ++end) {
        if (header[end] == '\\' && end + 1 < header.size()) ++end;
        value += header[end];
      }
      if (end >= header.size()) return std::nullopt;
    } else {
      auto const stop = header.find(';', end);
      value = header.substr(end, stop == std::string_view::npos ? stop : stop - end);
    }
    if (wanted) return value;
    at = header.find(';', end);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  auto boundary = parameter(content_type, "boundary");
  if (boundary && boundary->empty()) return std::nullopt;
  return boundary;
}

FormReader::FormReader(std::string const& boundary, Events events)
    : delimiter_("\r\n--" + boundary), events_(std::move(events)) {}

bool FormReader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  while (step()) {
  }
  return state_ != State::kBroken;
}

// Does what the buffer allows. Returns true if another step may follow at once.
bool FormReader::step() {
  switch (state_) {
    case State::kPreamble: return skip_preamble();
    case State::kAfterBoundary: return after_boundary();
    case State::kHeaders: return headers();
    case State::kBody: return body();
    case State::kEpilogue:
    case State::kBroken: buffer_.clear(); return false;
  }
  return false;
}

bool FormReader::skip_preamble() {
  auto const at = buffer_.find(delimiter_);
  if (at == std::string::npos) {
    if (buffer_.size() > kHeadersMax) state_ = State::kBroken;
    return false;
  }
  buffer_.erase(0, at + delimiter_.size());
  state_ = State::kAfterBoundary;
  return true;
}

bool FormReader::after_boundary() {
  if (buffer_.size() < 2) return false;
  if (buffer_.starts_with("--")) {
    state_ = State::kEpilogue;
  } else if (buffer_.starts_with("\r\n")) {
    state_ = State::kHeaders;  // the line end stays: it lets an empty header block end like every other
  } else {
    state_ = State::kBroken;
  }
  return true;
}

bool FormReader::headers() {
  auto const end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() <= kHeadersMax) return false;
    state_ = State::kBroken;
    return true;
  }
  FormPart part;
  std::size_t at = 2;
  while (at < end) {
    auto const stop = std::min(buffer_.find("\r\n", at), end);
    auto const line = std::string_view(buffer_).substr(at, stop - at);
    auto const colon = line.find(':');
    auto const name = lower(line.substr(0, colon));
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "content-disposition") {
      part.name = parameter(value, "name").value_or("");
      part.filename = parameter(value, "filename");
    } else if (name == "content-type") {
      part.content_type = value;
    }
    at = stop + 2;
  }
  buffer_.erase(0, end + 4);
  if (part.name.empty()) {
    state_ = State::kBroken;
    return true;
  }
  state_ = State::kBody;
  events_.begin(part);
  return true;
}

bool FormReader::body() {
  auto const at = buffer_.find(delimiter_);
  if (at != std::string::npos) {
    if (at > 0) events_.data(std::string_view(buffer_).substr(0, at));
    events_.end();
    buffer_.erase(0, at + delimiter_.size());
    state_ = State::kAfterBoundary;
    return true;
  }
  auto const held = delimiter_.size() - 1;  // could be the beginning of a delimiter
  if (buffer_.size() > held) {
    auto const sure = buffer_.size() - held;
    events_.data(std::string_view(buffer_).substr(0, sure));
    buffer_.erase(0, sure);
  }
  return false;
}

}  // namespace sluice::emulator
