// tls_test.cc - the platform behind TLS, with a certificate that is wrong first and right later.

#include <memory>

#include "main_job.h"
#include "tests/network/relay.h"

namespace sluice::e2e {
namespace {

using namespace network;

constexpr long kDay = 86'400;

Json offline_reason(Site& site) {
  auto const status = site.daemon().status();
  for (auto const& reason : status.at("health").at("reasons"))
    if (reason.at("code") == "offline") return reason;
  return nullptr;
}

TEST(Tls, AWrongCertificateIsSaidAndChargesNobodyAndHealsByItself) {
  TempFolder const aside;
  auto const root = self_signed(authority("Sluice's test root"));
  write_key(aside.path() + "/root.pem", root.pem());
  Wish old;
  old.begins_s = -3 * kDay;
  old.ends_s = -2 * kDay;
  auto const expired = issued_by(root, old);
  auto const good = issued_by(root, {});
  Relay front;
  front.use(std::make_shared<TlsEnd>(TlsManner{.chain = {&expired}}));

  auto settings = main_job_settings();
  settings.base_url = "https://" + front.authority("localhost") + "/v1.3";
  settings.platform = "  ca_file: " + aside.path() + "/root.pem\n";
  Site site(settings, main_job_emulator());
  front.lead_to(site.emulator().api_port());
  site.daemon().start();
  drop_main_job(site, 1);

  ASSERT_TRUE(site.wait_until("offline", [&] { return !offline_reason(site).is_null(); }));
  auto const said = "TLS with localhost: the certificate expired on " + day_from_now(old.ends_s);
  auto const reason = offline_reason(site);
  EXPECT_NE(reason.at("text").get<std::string>().find(said), std::string::npos) << reason;
  auto const why = site.daemon().item("scene.mp4").at("why");
  EXPECT_EQ(why.at("code"), "offline") << why;
  EXPECT_NE(why.at("text").get<std::string>().find(said + "; check this host's clock"), std::string::npos) << why;
  EXPECT_EQ(front.from_client(), "");  // no call, and no key

  front.use(std::make_shared<TlsEnd>(TlsManner{.chain = {&good}}));
  ASSERT_TRUE(site.wait_for("done", kMainJobFiles));
  EXPECT_TRUE(offline_reason(site).is_null());
  for (auto const& item : site.daemon().items()) EXPECT_EQ(item.at("attempts"), 0) << item;
  EXPECT_TRUE(main_job_is_whole(site));
}

}  // namespace
}  // namespace sluice::e2e
