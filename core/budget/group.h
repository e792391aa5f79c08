// group.h - the quota groups of R63: what pauses, limits and breakers are kept for, each by itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::budget {

// Which of the platform's quotas a call counts for; a refusal pauses its group only.
enum class Group : std::uint8_t {
  kAssets,
  kIndexing,
  kEntities,
  kStorage,
  kHooks,  // none of the platform's: calls to the URLs of hooks, which no pause and no outage of the platform concerns
};
inline constexpr std::size_t kGroups = 5;
inline constexpr std::array<Group, kGroups> kAllGroups = {Group::kAssets, Group::kIndexing, Group::kEntities,
                                                          Group::kStorage, Group::kHooks};
std::string_view name_of(Group group);

}  // namespace sluice::budget
