#include "test_support.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace sluice::emulator::test {

using nlohmann::json;

namespace {

constexpr char const* kKey = "demo-key";

std::string authority_of(std::string const& url) {
  auto const begin = std::string("http://").size();
  return url.substr(begin, url.find('/', begin) - begin);
}

std::string target_of(std::string const& url) { return url.substr(url.find('/', std::string("http://").size())); }

}  // namespace

std::string Answer::header(std::string_view name) const {
  auto const at = std::ranges::find(headers, name, &Pairs::value_type::first);
  return at == headers.end() ? std::string{} : at->second;
}

Connection::Connection(std::string const& url)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), host_(authority_of(url)) {
  auto const colon = host_.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(host_.substr(colon + 1))));
  inet_pton(AF_INET, host_.substr(0, colon).c_str(), &address.sin_addr);
  if (connect(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect to " + host_);
  }
}

Connection::~Connection() { close(fd_); }

std::optional<Answer> Connection::send(std::string const& method, std::string const& target, Pairs headers,
                                       std::string const& body) {
  headers.emplace_back("Host", host_);
  bool const framed = std::ranges::any_of(headers, [](auto const& header) {
    return header.first == "Transfer-Encoding" || header.first == "Content-Length";
  });
  if (!framed) headers.emplace_back("Content-Length", std::to_string(body.size()));
  auto text = method + ' ' + target + " HTTP/1.1\r\n";
  for (auto const& [name, value] : headers) text += name + ": " + value + "\r\n";
  text += "\r\n" + body;
  for (std::string_view rest = text; !rest.empty();) {
    auto const sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // cut while sending; reading will tell
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return read_answer();
}

std::optional<Answer> Connection::read_answer() {
  std::string text;
  std::array<char, 16384> buffer{};
  auto const more = [&] {
    auto const got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  };
  while (text.find("\r\n\r\n") == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  auto const head = text.find("\r\n\r\n");
  Answer answer;
  answer.status = std::stoi(text.substr(9, 3));
  for (auto const& line : split(text.substr(0, head), '\n')) {
    auto const colon = line.find(": ");
    if (colon == std::string::npos) continue;
    auto value = line.substr(colon + 2);
    if (value.ends_with('\r')) value.pop_back();
    answer.headers.emplace_back(lower(line.substr(0, colon)), value);
  }
  auto const length = answer.header("content-length");
  auto const wanted = head + 4 + (length.empty() ? 0 : std::stoul(length));
  while (text.size() < wanted && more()) {
  }
  answer.body = text.substr(head + 4);
  return answer;
}

Options Bench::small() {
  Options options;
  options.chunk_bytes = 1000;
  return options;
}

Bench::Bench(Options options) : base_path_(options.base_path) {
  auto folder = (std::filesystem::temp_directory_path() / "emulator-test-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  dir_ = folder;
  options.dir = dir_ / "data";
  options.quiet = true;
  emulator_ = std::make_unique<Emulator>(std::move(options), [this] { return now_ms_.load(); });
}

Bench::~Bench() {
  emulator_.reset();
  std::filesystem::remove_all(dir_);
}

Answer Bench::call(std::string const& method, std::string const& path, json const& body) {
  Connection connection(emulator_->base_url());
  Pairs headers{{"x-api-key", kKey}};
  if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
  auto const target = path.starts_with("/__") ? path : base_path_ + path;
  auto answer = connection.send(method, target, headers, body.is_null() ? std::string{} : body.dump());
  if (!answer) throw std::runtime_error(method + ' ' + path + " was cut");
  return *answer;
}

std::optional<Answer> Bench::post_form(Pairs const& fields,
                                       std::optional<std::pair<std::string, std::string>> const& file) {
  std::string body;
  for (auto const& [name, value] : fields) {
    body += "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  if (file) {
    body += "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + file->first +
            "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + file->second + "\r\n";
  }
  body += "--XX--\r\n";
  Connection connection(emulator_->base_url());
  return connection.send("POST", base_path_ + "/assets",
                         {{"x-api-key", kKey}, {"Content-Type", "multipart/form-data; boundary=XX"}}, body);
}

std::optional<Answer> Bench::put(std::string const& url, Pairs const& headers, std::string const& body) {
  Connection connection(url);
  return connection.send("PUT", target_of(url), headers, body);
}

void Bench::arm(json const& rules) {
  auto const answer = post("/__scenario", {{"rules", rules}});
  if (answer.status != 204) throw std::runtime_error("bad rules: " + answer.body);
}

json Bench::ledger() { return get("/__ledger").json(); }

std::vector<std::string> Bench::events() {
  std::vector<std::string> names;
  for (auto const& event : get("/__ledger/events?from=1").json()) names.push_back(event["event"]);
  return names;
}

Session Bench::open_session(std::uint64_t bytes, std::string const& filename) {
  auto const answer =
      post("/assets/multipart-uploads", {{"filename", filename}, {"type", "video"}, {"total_size", bytes}});
  if (answer.status != 201) throw std::runtime_error("no session: " + answer.body);
  auto const body = answer.json();
  Session session{body["upload_id"], body["asset_id"], body["upload_urls"], {}};
  for (auto const& [name, value] : body["upload_headers"].items()) session.headers.emplace_back(name, value);
  return session;
}

std::string Bench::upload(Session const& session, std::uint32_t index, std::string const& bytes) {
  auto const answer = put(session.urls[index - 1]["url"], session.headers, bytes);
  if (!answer || answer->status != 200) throw std::runtime_error("the chunk was refused");
  auto const etag = answer->header("etag");
  return etag.substr(1, etag.size() - 2);
}

json Bench::report_entry(std::uint32_t index, std::string const& etag, std::size_t bytes) {
  return {{"chunk_index", index}, {"proof", etag}, {"proof_type", "etag"}, {"chunk_size", bytes}};
}

std::string Bench::ready_asset(std::string const& filename, std::string const& content) {
  auto const answer = post_form({{"method", "direct"}}, {{filename, content}});
  if (!answer || answer->status != 201) throw std::runtime_error("no asset");
  pass_ms(1000);
  return answer->json()["_id"];
}

}  // namespace sluice::emulator::test
