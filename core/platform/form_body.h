// form_body.h - a file inside a form: text before it, the file's bytes, text after it.
//
// The text after the file, which holds the form's closing boundary, is handed out only once the
// file's body came to a clean end: so a file that changed while it was read never makes a form that
// the platform could take for whole (D33).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/ports/wire.h"

namespace sluice::platform {

class FormBody final : public ports::Body {
 public:
  FormBody(std::string before, std::shared_ptr<ports::Body> file, std::string after);

  std::uint64_t size_bytes() const override;

  // Fails as the file's body does, and with kSourceChanged when that gives more or fewer bytes than
  // it promised. After a failure every read fails the same way.
  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  void on_more(std::function<void()> notice) override;

 private:
  Result<std::optional<std::size_t>> read_next(std::span<std::byte> into);
  Result<std::optional<std::size_t>> read_file(std::span<std::byte> into);

  std::string before_;
  std::shared_ptr<ports::Body> file_;
  std::string after_;
  std::size_t before_done_ = 0;
  std::uint64_t file_done_bytes_ = 0;
  bool file_ended_ = false;
  std::size_t after_done_ = 0;
  std::optional<Error> failure_;
};

}  // namespace sluice::platform
