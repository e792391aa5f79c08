// desk.h - people's orders, carried out inside a turn: the Operations of sluiced.
//
// Made anew for each batch of requests, over the context of the turn that serves them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/stage/orders.h"
#include "daemon/operations.h"

namespace sluice::stage {
class Discovery;
}  // namespace sluice::stage

namespace sluice::daemon {

// A file that a person named, and which source it lies beneath.
struct Spot {
  std::size_t source = 0;  // of the policy's
  stage::Found found = {};
  std::optional<Error> trouble = {};  // why it cannot be taken up: no way to it, no regular file
};

// What is known of the files that one request names, by the path as it was given; kept until it is served.
using Spots = std::map<std::string, Result<Spot>>;

class Desk final : public Operations {
 public:
  // `ctx` may be null where only reading requests come: writing ones then fail with kLocal.
  Desk(stage::Context* ctx, stage::Policy const& policy, stage::Discovery& discovery, StatusFacts const& facts,
       stage::Surroundings const& around, Spots& spots)
      : ctx_(ctx), policy_(policy), discovery_(discovery), facts_(facts), around_(around), spots_(spots) {}

  bool has_found(std::string const& path) override;
  Result<AddedItem> add(AddRequest const& request) override;
  Result<void> retry(journal::RowId item) override;
  Result<void> cancel(journal::RowId item) override;
  source::Answer<stage::Explanation> explain(std::string const& path) override;
  Result<stage::Explanation> explain_url(UrlText const& url) override;
  Result<std::vector<std::string>> rescan(std::string const& source) override;
  stage::Surroundings surroundings() const override { return around_; }
  StatusFacts status_facts() const override { return facts_; }

 private:
  Result<AddedItem> shown(AddRequest const& request, stage::SourcePolicy const& source,
                          stage::Added const& added) const;

  stage::Context* ctx_;
  stage::Policy const& policy_;
  stage::Discovery& discovery_;
  StatusFacts const& facts_;
  stage::Surroundings const& around_;
  Spots& spots_;
};

// The absolute path with the links of its folder resolved, the last component kept as it is: what a
// path typed by a person means. Nothing when the folder is not there; the path as it is written where there is no way
// to it.
std::string resolved_path(std::string const& path);

}  // namespace sluice::daemon
