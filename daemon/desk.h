// desk.h - people's orders, carried out inside a turn: the Operations of sluiced.
//
// Made anew for each batch of requests, over the context of the turn that serves them.
#pragma once

#include <string>

#include "daemon/operations.h"

namespace sluice::stage {
struct Context;
struct Policy;
}  // namespace sluice::stage

namespace sluice::daemon {

class Desk final : public Operations {
 public:
  // `ctx` may be null where only reading requests come: writing ones then fail with kLocal.
  Desk(stage::Context* ctx, stage::Policy const& policy, StatusFacts const& facts, stage::Surroundings const& around)
      : ctx_(ctx), policy_(policy), facts_(facts), around_(around) {}

  Result<AddedItem> add(AddRequest const& request) override;
  Result<void> retry(journal::RowId item) override;
  Result<void> cancel(journal::RowId item) override;
  stage::Surroundings surroundings() const override { return around_; }
  StatusFacts status_facts() const override { return facts_; }

 private:
  stage::Context* ctx_;
  stage::Policy const& policy_;
  StatusFacts const& facts_;
  stage::Surroundings const& around_;
};

// The absolute path with the links of its folder resolved, the last component kept as it is: what a
// path typed by a person means. Nothing when the folder is not there.
std::string resolved_path(std::string const& path);

}  // namespace sluice::daemon
