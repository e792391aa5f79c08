#include "tests/network/tls_rows.h"

#include <ostream>

#include "tests/network/acceptor.h"

namespace sluice::network {
namespace {

using namespace std::string_literals;
using Serve = std::function<void(int, TlsGround&)>;
constexpr auto kBefore = ports::WireFailure::Phase::kBeforeSend;
constexpr auto kAfter = ports::WireFailure::Phase::kAfterSend;
constexpr char kAnswer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"good\": 1}";
constexpr auto kDay = 86'400L;

void wait_until_client_leaves(int fd) {
  while (!receive(fd).empty()) continue;
}

bool hear(Stream& stream, TlsGround& ground) {
  if (stream.read_request().empty()) return false;
  ++ground.requests;
  return true;
}

// Shakes hands as `end` does, and answers each request that comes.
void answer_all(int fd, TlsEnd const& end, TlsGround& ground) {
  Stream stream(fd, end);
  while (hear(stream, ground)) stream.write(kAnswer);
  wait_until_client_leaves(fd);  // closing on unread bytes would send a reset, and hide what was said
}

// ---- servers with a certificate of this kind, issued by the trusted root

Serve with(Wish const& wish) {
  return [wish](int fd, TlsGround& ground) {
    auto const leaf = issued_by(ground.root, wish);
    answer_all(fd, TlsEnd({.chain = {&leaf}}), ground);
  };
}

Serve with_manner(int oldest, int newest, bool wants_client, std::string const& protocol) {
  return [=](int fd, TlsGround& ground) {
    auto const leaf = issued_by(ground.root, {});
    answer_all(fd,
               TlsEnd({.chain = {&leaf},
                       .oldest = oldest,
                       .newest = newest,
                       .wants_client_certificate = wants_client,
                       .protocol = protocol}),
               ground);
  };
}

// ---- chains

void self_signed_alone(int fd, TlsGround& ground) {
  auto const leaf = self_signed({});
  answer_all(fd, TlsEnd({.chain = {&leaf}}), ground);
}

void strangers_chain(int fd, TlsGround& ground) {
  auto const leaf = issued_by(ground.stranger, {});
  answer_all(fd, TlsEnd({.chain = {&leaf, &ground.stranger}}), ground);
}

void strangers_leaf(int fd, TlsGround& ground) {
  auto const leaf = issued_by(ground.stranger, {});
  answer_all(fd, TlsEnd({.chain = {&leaf}}), ground);
}

// The certificate in between is made as wished, and is sent or not.
Serve between(Wish const& wish, bool is_sent, Wish const& leaf_wish = {}) {
  return [=](int fd, TlsGround& ground) {
    auto const middle = issued_by(ground.root, wish);
    auto const leaf = issued_by(middle, leaf_wish);
    TlsManner manner{.chain = {&leaf}};
    if (is_sent) manner.chain.push_back(&middle);
    answer_all(fd, TlsEnd(manner), ground);
  };
}

void deeper_than_allowed(int fd, TlsGround& ground) {
  auto first = authority("may have nobody beneath");
  first.path_length = 0;
  auto const upper = issued_by(ground.root, first);
  auto const lower = issued_by(upper, authority("is beneath"));
  auto const leaf = issued_by(lower, {});
  answer_all(fd, TlsEnd({.chain = {&leaf, &lower, &upper}}), ground);
}

// More than the 100 KiB that OpenSSL takes for a list of certificates.
void endless_chain(int fd, TlsGround& ground) {
  auto const leaf = issued_by(ground.root, {});
  std::vector<Certificate const*> chain(400, &ground.stranger);
  chain.front() = &leaf;
  answer_all(fd, TlsEnd({.chain = chain}), ground);
}

// ---- servers that do not get as far as a handshake

Serve says(std::string const& bytes) {
  return [bytes](int fd, TlsGround&) {
    receive(fd);
    send_all(fd, bytes);
    wait_until_client_leaves(fd);
  };
}

// A fatal alert, by its number of RFC 8446, 6.
Serve alert(unsigned char number) { return says("\x15\x03\x03\x00\x02\x02"s + static_cast<char>(number)); }

void closes_at_once(int, TlsGround&) {}

void resets_at_once(int fd, TlsGround&) { reset_at_close(fd); }

void closes_after_hello(int fd, TlsGround&) { receive(fd); }

void resets_after_hello(int fd, TlsGround&) {
  receive(fd);
  reset_at_close(fd);
}

void never_says_a_word(int fd, TlsGround&) { wait_until_client_leaves(fd); }

// Half of the server's first words, in TLS 1.2, where the certificate can be read in them.
Serve half_of_the_certificate(bool then_waits) {
  return [then_waits](int fd, TlsGround& ground) {
    auto const leaf = issued_by(ground.root, {});
    auto const flight = first_flight(fd, TlsEnd({.chain = {&leaf}, .newest = TLS1_2_VERSION}));
    send_all(fd, std::string_view(flight).substr(0, flight.size() / 2));
    if (then_waits) wait_until_client_leaves(fd);
  };
}

// ---- servers that shake hands, hear the request, and then ...

Serve then(std::function<void(Stream&, int)> const& what, int newest = TLS1_3_VERSION) {
  return [=](int fd, TlsGround& ground) {
    auto const leaf = issued_by(ground.root, {});
    Stream stream(fd, TlsEnd({.chain = {&leaf}, .newest = newest}));
    if (hear(stream, ground)) what(stream, fd);
  };
}

std::string half_an_answer() { return std::string(kAnswer).substr(0, sizeof kAnswer - 6); }

void says_goodbye(Stream& stream, int) { stream.say_goodbye(); }

void says_goodbye_in_the_answer(Stream& stream, int) {
  stream.write(half_an_answer());
  stream.say_goodbye();
}

void closes_in_the_answer(Stream& stream, int) { stream.write(half_an_answer()); }

void resets_in_the_answer(Stream& stream, int fd) {
  stream.write(half_an_answer());
  reset_at_close(fd);
}

void damages_the_answer(Stream& stream, int fd) {
  auto record = sealed(stream, kAnswer);
  record.back() = static_cast<char>(record.back() ^ 1);
  send_all(fd, record);
  wait_until_client_leaves(fd);
}

void talks_plainly(Stream&, int fd) {
  send_all(fd, kAnswer);
  wait_until_client_leaves(fd);
}

void renegotiates(Stream& stream, int fd) {
  SSL_renegotiate(stream.ssl());
  SSL_do_handshake(stream.ssl());
  stream.write(kAnswer);
  wait_until_client_leaves(fd);
}

// ---- the table

Wish named(std::string const& names) {
  Wish wish;
  wish.common_name = "whatever";
  wish.names = names;
  return wish;
}

Wish lasting(long begins_s, long ends_s) {
  Wish wish;
  wish.begins_s = begins_s;
  wish.ends_s = ends_s;
  return wish;
}

Wish weak(int rsa_bits, std::string const& digest) {
  Wish wish;
  wish.rsa_bits = rsa_bits;
  wish.digest = digest;
  return wish;
}

Wish no_authority() {
  auto wish = authority("may not sign");
  wish.is_authority = false;
  return wish;
}

// ECDSA knows no MD5.
Wish authority_by_rsa() {
  auto wish = authority("signs by RSA");
  wish.rsa_bits = 2048;
  return wish;
}

Wish for_clients() {
  Wish wish;
  wish.purpose = "clientAuth";
  return wish;
}

Wish by_common_name_alone() {
  Wish wish;
  wish.names = "";
  return wish;
}

std::vector<TlsRow> wrong_certificates() {
  return {
      {"Expired", with(lasting(-3 * kDay, -2 * kDay)), kBefore, "the certificate expired on "},
      {"NotYetValid", with(lasting(2 * kDay, 3 * kDay)), kBefore, "the certificate is valid only from "},
      {"OfAnotherName", with(named("DNS:elsewhere.example")), kBefore, "the certificate is for another name"},
      {"OfTheAddressOnly", with(named("IP:127.0.0.1")), kBefore, "the certificate is for another name"},
      {"OfNoName", with(named("")), kBefore, "the certificate is for another name"},
      {"OfTheCommonNameAlone", with(by_common_name_alone()), std::nullopt, "good"},
      {"SignedByItself", self_signed_alone, kBefore, "the certificate is signed by itself"},
      {"OfAnUnknownRoot", strangers_leaf, kBefore, "is not known here"},
      {"OfAnUnknownRootThatIsSent", strangers_chain, kBefore, "is not trusted here"},
      {"WithoutTheOneInBetween", between(authority("between"), false), kBefore, "is not known here"},
      {"WithTheOneInBetween", between(authority("between"), true), std::nullopt, "good"},
      {"SignedByOneThatMayNot", between(no_authority(), true), kBefore, "chain of certificates is wrong"},
      {"OfAChainTooDeep", deeper_than_allowed, kBefore, "chain of certificates is wrong"},
      {"OfAnEndlessChain", endless_chain, kBefore, "chain of certificates is wrong"},
      {"ForClientsOnly", with(for_clients()), kBefore, "is not one for servers"},
      {"WithAKeyOf768Bits", with(weak(768, "SHA256")), kBefore, "too weak"},
      {"WithAKeyOf1024Bits", with(weak(1024, "SHA256")), kBefore, "too weak"},
      {"SignedWithSha1", with(weak(0, "SHA1")), kBefore, "too weak"},
      {"SignedWithMd5", between(authority_by_rsa(), true, weak(0, "MD5")), kBefore, "too weak"},
  };
}

std::vector<TlsRow> wrong_handshakes() {
  auto const ssl3_hello = "\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00"s + std::string(36, 'x');
  return {
      {"Tls10Only", with_manner(TLS1_VERSION, TLS1_VERSION, false, "http/1.1"), kBefore, "no TLS 1.2 or newer"},
      {"Tls11Only", with_manner(TLS1_VERSION, TLS1_1_VERSION, false, "http/1.1"), kBefore, "no TLS 1.2 or newer"},
      {"Tls12Only", with_manner(TLS1_VERSION, TLS1_2_VERSION, false, "http/1.1"), std::nullopt, "good"},
      {"Ssl3Hello", says(ssl3_hello), kBefore, "TLS with localhost: "},
      {"PlainHttp", says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), kBefore, "does not speak TLS"},
      {"AnSshBanner", says("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), kBefore, "does not speak TLS"},
      {"Garbage", says(std::string(200, '\x7f')), kBefore, "does not speak TLS"},
      {"ClosesAtOnce", closes_at_once, kBefore, "broke off in the handshake"},
      // Its reset is seen by the connect, after which the name's other address refuses, or by the handshake.
      {"ResetsAtOnce", resets_at_once, kBefore, "localhost: "},
      {"ClosesAfterTheHello", closes_after_hello, kBefore, "broke off in the handshake"},
      {"ResetsAfterTheHello", resets_after_hello, kBefore, "broke off in the handshake"},
      {"ClosesInTheCertificate", half_of_the_certificate(false), kBefore, "broke off in the handshake"},
      {"StallsInTheCertificate", half_of_the_certificate(true), kBefore, "the handshake timed out after ", 300},
      {"NeverSaysAWord", never_says_a_word, kBefore, "the handshake timed out after ", 300},
      {"AlertHandshakeFailure", alert(40), kBefore, "have no cipher in common"},
      {"AlertAccessDenied", alert(49), kBefore, "TLS with localhost: tlsv1 alert access denied"},
      {"AlertProtocolVersion", alert(70), kBefore, "no TLS 1.2 or newer"},
      {"AlertInternalError", alert(80), kBefore, "alert internal error"},
      {"AlertUnrecognizedName", alert(112), kBefore, "does not know this name"},
      {"NoProtocolInCommon", with_manner(TLS1_VERSION, TLS1_3_VERSION, false, ""), kBefore, "speaks no HTTP/1.1"},
      {"PicksHttp2Unasked", with_manner(TLS1_VERSION, TLS1_3_VERSION, false, "h2"), kBefore, "bad extension"},
      {"WantsAClientCertificate12", with_manner(TLS1_VERSION, TLS1_2_VERSION, true, "http/1.1"), kBefore,
       "client certificate"},
      {"WantsAClientCertificate13", with_manner(TLS1_VERSION, TLS1_3_VERSION, true, "http/1.1"), kAfter,
       "wants a client certificate"},
  };
}

std::vector<TlsRow> wrong_answers() {
  return {
      {"SaysGoodbyeInPlaceOfAnAnswer", then(says_goodbye), kAfter, "closed before an answer"},
      {"SaysGoodbyeInTheAnswer", then(says_goodbye_in_the_answer), kAfter, "closed in the middle of the answer"},
      {"ClosesInTheAnswerWithoutGoodbye", then(closes_in_the_answer), kAfter, "closed in the middle of the answer"},
      {"ResetsInTheAnswer", then(resets_in_the_answer), kAfter, "the connection was lost"},
      {"DamagesARecordOfTheAnswer", then(damages_the_answer), kAfter, "a record arrived damaged"},
      {"AnswersWithoutTls", then(talks_plainly), kAfter, "the connection was lost"},
      {"AsksToRenegotiate", then(renegotiates, TLS1_2_VERSION), std::nullopt, "good"},
  };
}

}  // namespace

std::vector<TlsRow> tls_rows() {
  auto all = wrong_certificates();
  for (auto const& part : {wrong_handshakes(), wrong_answers()}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

void PrintTo(TlsRow const& row, std::ostream* out) { *out << row.name; }

}  // namespace sluice::network
