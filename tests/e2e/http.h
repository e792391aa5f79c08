// http.h - one question over HTTP/1.1 by plain sockets: to the emulator, and to the daemon's socket.
//
// It shares no code with what it talks to.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::e2e {

using Json = nlohmann::json;

struct Answer {
  int status = 0;
  std::string body = {};
  Json json() const { return Json::parse(body); }
};

struct Place {
  std::string unix_socket = {};  // "": port, on 127.0.0.1
  std::uint16_t port = 0;
};

// `headers` are whole lines, each with its "\r\n". Throws std::runtime_error when nobody answers.
Answer ask(Place const& place, std::string const& method, std::string const& target, std::string const& body = "",
           std::string const& headers = "");

// The port of "http://127.0.0.1:4711/v1.3".
std::uint16_t port_of(std::string const& url);

}  // namespace sluice::e2e
