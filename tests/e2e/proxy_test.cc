// proxy_test.cc - whole jobs by way of a proxy that wants a password, HTTP CONNECT and SOCKS 5, in TLS.
//
// Platform and storage have names that nobody but the proxy knows. Plain http is for loopback addresses only, which
// never go by a proxy: so a proxy never sees a request.

#include "tests/network/proxy.h"

#include <memory>

#include "canary.h"
#include "main_job.h"

namespace sluice::e2e {
namespace {

using network::count_of;
using network::Proxy;
using network::Relay;

class ByProxy : public testing::TestWithParam<Proxy::Kind> {};

TEST_P(ByProxy, AJobIsDoneAndTheProxySeesNoKeyAndNobodyElseItsPassword) {
  TempFolder const aside;
  auto const root = network::self_signed(network::authority("Sluice's test root"));
  auto const leaf = network::issued_by(
      root, {.common_name = "platform.test", .names = "DNS:api.platform.test, DNS:storage.platform.test"});
  auto const end = std::make_shared<network::TlsEnd>(network::TlsManner{.chain = {&leaf}});
  Relay api, storage;
  api.use(end);
  storage.use(end);
  Proxy proxy(GetParam());
  proxy.lead("api.platform.test:443", api.port());
  proxy.lead("storage.platform.test:443", storage.port());
  write_key(aside.path() + "/root.pem", root.pem());
  write_key(aside.path() + "/proxy", proxy.url());

  auto settings = main_job_settings();
  settings.log_level = "debug";
  settings.base_url = "https://api.platform.test/v1.3";
  settings.platform = "  ca_file: " + aside.path() + "/root.pem\n  proxy: {file: " + aside.path() + "/proxy}\n";
  auto flags = main_job_emulator();
  flags.insert(flags.end(), {"--store-public", "storage.platform.test", "--store-tls"});
  Site site(settings, flags);
  api.lead_to(site.emulator().api_port());
  storage.lead_to(site.emulator().store_port());
  site.daemon().start();
  drop_main_job(site, 3);
  ASSERT_TRUE(site.wait_for("done", kMainJobFiles));
  auto const answers = all_answers(site);
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_TRUE(main_job_is_whole(site));
  EXPECT_GE(proxy.admitted(), 2);  // the platform and its storage

  std::string const password = Proxy::kPassword;
  EXPECT_TRUE(is_in_its_header_alone(site.key(), api.from_client()));
  for (auto const* secret : {site.key().c_str(), kSignature})
    EXPECT_EQ(count_of(proxy.greetings() + proxy.passed(), secret), 0u) << secret << " was seen by the proxy";
  EXPECT_EQ(count_of(storage.from_client(), site.key()), 0u);
  EXPECT_GT(count_of(storage.from_client(), kSignature), 0u);
  for (auto const& text : {api.from_client(), storage.from_client()}) EXPECT_EQ(count_of(text, "Proxy-"), 0u) << text;
  EXPECT_EQ(count_of(answers + site.all_output() + proxy.passed(), password), 0u);
  EXPECT_TRUE(is_in_no_file(site, password));
}

INSTANTIATE_TEST_SUITE_P(Each, ByProxy, testing::Values(Proxy::Kind::kConnect, Proxy::Kind::kSocks5),
                         [](auto const& of) { return of.param == Proxy::Kind::kConnect ? "Connect" : "Socks5"; });

}  // namespace
}  // namespace sluice::e2e
