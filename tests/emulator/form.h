// form.h - reads multipart/form-data as it streams in, in constant memory.
//
// Written for this emulator because the form must be judged strictly: a body that ends before its closing
// boundary creates nothing (R50: a half-sent direct body), and is told apart from a good one.
//
// Source    RFC 7578 and RFC 2046, section 5.1.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::emulator {

// The boundary of a `multipart/form-data; boundary=...` header value.
// Returns nullopt if the boundary is missing; "" is never returned. Requires: the type itself was checked.
std::optional<std::string> form_boundary(std::string_view content_type);

struct FormPart {
  std::string name;
  std::optional<std::string> filename;
  std::string content_type;
};

class FormReader {
 public:
  struct Events {
    std::function<void(FormPart const&)> begin;
    std::function<void(std::string_view)> data;  // any number of times between begin and end
    std::function<void()> end;
  };
  FormReader(std::string const& boundary, Events events);

  // Takes the next piece of the body. Returns false once the form is known to be malformed; it stays so.
  bool feed(std::string_view bytes);
  // True once the closing boundary has been read.
  bool complete() const { return state_ == State::kEpilogue; }

 private:
  enum class State { kPreamble, kAfterBoundary, kHeaders, kBody, kEpilogue, kBroken };
  bool step();
  bool skip_preamble();
  bool after_boundary();
  bool headers();
  bool body();

  std::string delimiter_;  // "\r\n--" and the boundary
  Events events_;
  State state_ = State::kPreamble;
  std::string buffer_ = "\r\n";  // lets the first boundary look like every other
};

}  // namespace sluice::emulator
