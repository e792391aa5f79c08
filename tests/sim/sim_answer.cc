#include "tests/sim/sim_answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace sluice::sim {
namespace {

int number_at(Request const& request, std::string const& name, int otherwise) {
  auto const text = request.query_value(name);
  if (text.empty()) return otherwise;
  if (text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoi(text);
}

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;
  std::chrono::weekday weekday;
};

Civil civil(WallTime at) {
  auto const seconds = std::chrono::floor<std::chrono::seconds>(at);
  auto const day = std::chrono::floor<std::chrono::days>(seconds);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss(seconds - day), std::chrono::weekday(day)};
}

}  // namespace

std::string rfc3339(WallTime at) {
  auto const c = civil(at);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(c.date.year()),
                static_cast<unsigned>(c.date.month()), static_cast<unsigned>(c.date.day()),
                static_cast<int>(c.time.hours().count()), static_cast<int>(c.time.minutes().count()),
                static_cast<int>(c.time.seconds().count()));
  return text.data();
}

std::string http_date(WallTime at) {
  static constexpr std::array<char const*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<char const*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto const c = civil(at);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[c.weekday.c_encoding()],
                static_cast<unsigned>(c.date.day()), kMonths[static_cast<unsigned>(c.date.month()) - 1],
                static_cast<int>(c.date.year()), static_cast<int>(c.time.hours().count()),
                static_cast<int>(c.time.minutes().count()), static_cast<int>(c.time.seconds().count()));
  return text.data();
}

ports::Reply answer(int status, Json const& body) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = body.dump()};
}

std::optional<Json> page_of(Request const& request, std::vector<Json> const& rows, std::string const& key) {
  auto const page = number_at(request, "page", 1);
  auto const limit = number_at(request, "page_limit", 10);
  if (page < 1 || limit < 1 || limit > 50) return std::nullopt;
  auto const count = static_cast<int>(rows.size());
  Json data = Json::array();
  for (int i = (page - 1) * limit; i < std::min(count, page * limit); ++i)
    data.push_back(rows[static_cast<std::size_t>(i)]);
  return Json{{key, std::move(data)},
              {"page_info",
               {{"limit_per_page", limit},
                {"page", page},
                {"total_page", (count + limit - 1) / limit},
                {"total_results", count}}}};
}

Json object_in(std::string const& text) {
  auto parsed = Json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : Json();
}

std::string text_at(Json const& object, char const* key) {
  auto const found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add_object(Json& to, char const* key, std::string const& json_text) {
  if (!json_text.empty()) to[key] = Json::parse(json_text);
}

bool holds_ignoring_case(std::string const& text, std::string const& part) {
  auto const same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end() || part.empty();
}

}  // namespace sluice::sim
