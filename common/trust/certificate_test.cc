// The authority, what it issues, and what reads it.
#include "common/trust/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/trust/authority.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Duration kMonth = absl::Hours(24 * 30);
constexpr char kCluster[] = "0123456789abcdef0123456789abcdef";

CertificateAuthority Authority() {
  return CertificateAuthority::Create("muster root", ValidFrom(kNow, absl::Hours(24 * 365 * 20)));
}

TEST(Authority, RootNamesTheHub) {
  const CertificateAuthority authority = Authority();
  const auto root = ParseCertificate(authority.root_der());
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_TRUE(root->is_ca);
  EXPECT_EQ(root->common_name, "muster root");
  EXPECT_EQ(root->fingerprint, Digest::Of(authority.root_der()));
  EXPECT_EQ(authority.hub_id(), root->fingerprint.hex());
  EXPECT_EQ(root->spki, authority.key().Spki());
  EXPECT_EQ(root->not_after, kNow + absl::Hours(24 * 365 * 20));
  EXPECT_NE(Authority().hub_id(), authority.hub_id());
}

TEST(Authority, LoadsItselfFromCertificateAndKey) {
  const CertificateAuthority authority = Authority();
  const auto key = P256Key::FromPem(authority.key().ToPem());
  ASSERT_TRUE(key.ok()) << key.status();
  const auto again = CertificateAuthority::Load(authority.root_der(), *key);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->hub_id(), authority.hub_id());
  const auto issued =
      again->IssueCluster(MakeCsr(P256Key::Generate()), kCluster, ValidFrom(kNow, kMonth));
  EXPECT_TRUE(CheckIssuedBy(authority.root_der(), *issued, kNow).ok());
}

TEST(Authority, RefusesToLoadWhatIsNotItsOwnRoot) {
  const CertificateAuthority authority = Authority();
  EXPECT_FALSE(CertificateAuthority::Load(authority.root_der(), P256Key::Generate()).ok());
  EXPECT_FALSE(CertificateAuthority::Load("", authority.key()).ok());
  const P256Key key = P256Key::Generate();
  const auto leaf = authority.IssueCluster(MakeCsr(key), kCluster, ValidFrom(kNow, kMonth));
  EXPECT_THAT(CertificateAuthority::Load(*leaf, key).status().message(), HasSubstr("self-signed"));
}

TEST(Authority, IssuesAClusterItsIdentity) {
  const CertificateAuthority authority = Authority();
  const P256Key key = P256Key::Generate();
  const auto der = authority.IssueCluster(MakeCsr(key), kCluster, ValidFrom(kNow, kMonth));
  ASSERT_TRUE(der.ok()) << der.status();
  const auto info = ParseCertificate(*der);
  EXPECT_EQ(info->spki, key.Spki());
  EXPECT_FALSE(info->is_ca);
  EXPECT_EQ(info->not_before, kNow - absl::Minutes(5));
  EXPECT_EQ(info->not_after, kNow + kMonth);
  EXPECT_EQ(info->serial.size(), 32u);
  EXPECT_THAT(info->uris,
              ElementsAre(absl::StrCat("spiffe://", authority.hub_id(), "/cluster/", kCluster)));
  EXPECT_THAT(info->dns_names, IsEmpty());
  EXPECT_EQ(*IdentityOf(*info), (Identity{Identity::Kind::kCluster, authority.hub_id(), kCluster}));
  EXPECT_TRUE(CheckIssuedBy(authority.root_der(), *der, kNow).ok());
}

TEST(Authority, IssuesAnOperatorItsIdentity) {
  const CertificateAuthority authority = Authority();
  const auto der = authority.IssueOperator(MakeCsr(P256Key::Generate()), "anna@example.com",
                                           ValidFrom(kNow, kMonth));
  ASSERT_TRUE(der.ok()) << der.status();
  EXPECT_EQ(*IdentityOf(*ParseCertificate(*der)),
            (Identity{Identity::Kind::kOperator, authority.hub_id(), "anna@example.com"}));
}

TEST(Authority, IssuesServersTheHubsName) {
  const CertificateAuthority authority = Authority();
  const auto der =
      authority.IssueServer(MakeCsr(P256Key::Generate()),
                            {.dns_names = {"hub.example.com"}, .addresses = {"127.0.0.1", "::1"}},
                            ValidFrom(kNow, kMonth));
  ASSERT_TRUE(der.ok()) << der.status();
  const auto info = ParseCertificate(*der);
  EXPECT_THAT(info->dns_names, ElementsAre("muster-hub", "hub.example.com"));
  EXPECT_THAT(info->addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(info->uris, IsEmpty());
  EXPECT_FALSE(IdentityOf(*info).ok());
}

TEST(Authority, GivesEachCertificateItsOwnSerial) {
  const CertificateAuthority authority = Authority();
  const std::string csr = MakeCsr(P256Key::Generate());
  const auto a = authority.IssueCluster(csr, kCluster, ValidFrom(kNow, kMonth));
  const auto b = authority.IssueCluster(csr, kCluster, ValidFrom(kNow, kMonth));
  EXPECT_NE(ParseCertificate(*a)->serial, ParseCertificate(*b)->serial);
}

TEST(Authority, RefusesNamesThatCouldMeanSomethingElse) {
  const CertificateAuthority authority = Authority();
  const std::string csr = MakeCsr(P256Key::Generate());
  const Validity month = ValidFrom(kNow, kMonth);
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a b"), std::string("../x"),
        std::string("a\0b", 3), std::string("-x"), std::string("a,URI:b"), std::string("ä"),
        std::string(129, 'a')}) {
    EXPECT_FALSE(authority.IssueOperator(csr, name, month).ok()) << name;
    EXPECT_FALSE(authority.IssueCluster(csr, name, month).ok()) << name;
  }
  EXPECT_TRUE(authority.IssueOperator(csr, std::string(128, 'a'), month).ok());
  for (const std::string name : {"", "a b", "*.example.com", "-x", "x.", "a,DNS:b"}) {
    EXPECT_FALSE(authority.IssueServer(csr, {.dns_names = {name}}, month).ok()) << name;
  }
  for (const std::string address : {"", "1.2.3", "1.2.3.4/24", "host"}) {
    EXPECT_FALSE(authority.IssueServer(csr, {.addresses = {address}}, month).ok()) << address;
  }
}

TEST(Authority, RefusesATimeWithoutEndOrLength) {
  const CertificateAuthority authority = Authority();
  const std::string csr = MakeCsr(P256Key::Generate());
  EXPECT_FALSE(authority.IssueCluster(csr, kCluster, {kNow, kNow}).ok());
  EXPECT_FALSE(authority.IssueCluster(csr, kCluster, {kNow, kNow - kMonth}).ok());
  EXPECT_FALSE(authority.IssueCluster(csr, kCluster, {kNow, absl::InfiniteFuture()}).ok());
}

// ---------------------------------------------------------------- requests

TEST(Csr, ProvesPossession) {
  const P256Key key = P256Key::Generate();
  EXPECT_EQ(*CheckCsr(MakeCsr(key)), key.Spki());
}

// A request that holds another's key, signed by one's own: the key's bytes are exchanged in place.
TEST(Csr, RefusesAnothersKey) {
  const P256Key own = P256Key::Generate(), other = P256Key::Generate();
  const std::string own_spki = *CsrKey(MakeCsr(own)), other_spki = *CsrKey(MakeCsr(other));
  const std::string stolen = absl::StrReplaceAll(MakeCsr(own), {{own_spki, other_spki}});
  EXPECT_THAT(CheckCsr(stolen).status().message(), HasSubstr("not signed by the key"));
}

TEST(Csr, RefusesEveryFlippedBit) {
  const std::string good = MakeCsr(P256Key::Generate());
  const CertificateAuthority authority = Authority();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(CheckCsr(bytes).ok()) << "bit " << bit;
  }
}

TEST(Csr, RefusesWhatIsNoneAndWhatFollowsOne) {
  const std::string good = MakeCsr(P256Key::Generate());
  EXPECT_FALSE(CheckCsr("").ok());
  EXPECT_FALSE(CheckCsr(good + "x").ok());
  EXPECT_FALSE(CheckCsr(good.substr(0, good.size() - 1)).ok());
  EXPECT_THAT(CheckCsr(std::string(9000, 'x')).status().message(), HasSubstr("exceeds"));
}

// Made with: openssl req -new -newkey rsa:1024 -nodes -subj /CN=x -outform DER
TEST(Csr, RefusesAnRsaKey) {
  std::string csr;
  ASSERT_TRUE(absl::Base64Unescape(
      "MIIBSzCBtQIBADAMMQowCAYDVQQDDAF4MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDa94bip8iD"
      "8svAd0hi600JmlZ/jNlrcIyxG4eWbF8AacQnfBtxYnS4gpcfU9xkjIR9AOBa2aiMtd2pVO2a1Oq7J0wZ"
      "QIR9WBrzsTIw5BhPrZHOpu7VyhimawRtMsCDFW0jaJAu/MlSm/rcWIpydxVR+tT1bJ/LdgXT5CWRUH7R"
      "owIDAQABoAAwDQYJKoZIhvcNAQELBQADgYEAJXtzQ7a4iiq1js3e18Corsv8uQxiVAs90Iss4NLmuqKK"
      "kyegFBQ9tbJ1HRUp+A5n4xyd6AgYVTsOkQLx+F5b74yJY7hyyGmpHxrx/j3J1sWi947gyQi1/9ZI1LSM"
      "WX3uOrugx9ZYOiiDT18jGWuXiOO0I71QZ2ZQU5HTsSu71C8=",
      &csr));
  EXPECT_THAT(CheckCsr(csr).status().message(), HasSubstr("not a P-256 key"));
}

// ---------------------------------------------------------------- chains

TEST(Chain, RefusesAnotherRoot) {
  const CertificateAuthority authority = Authority(), other = Authority();
  const auto der =
      other.IssueCluster(MakeCsr(P256Key::Generate()), kCluster, ValidFrom(kNow, kMonth));
  EXPECT_TRUE(CheckIssuedBy(other.root_der(), *der, kNow).ok());
  // Same names everywhere, another key.
  EXPECT_EQ(CheckIssuedBy(authority.root_der(), *der, kNow).code(),
            absl::StatusCode::kPermissionDenied);
}

TEST(Chain, RefusesOutsideTheTimeOfValidity) {
  const CertificateAuthority authority = Authority();
  const auto der =
      authority.IssueCluster(MakeCsr(P256Key::Generate()), kCluster, ValidFrom(kNow, kMonth));
  const auto check = [&](absl::Time now) { return CheckIssuedBy(authority.root_der(), *der, now); };
  EXPECT_TRUE(check(kNow - absl::Minutes(4)).ok());
  EXPECT_THAT(check(kNow - absl::Minutes(6)).message(), HasSubstr("not yet valid"));
  EXPECT_TRUE(check(kNow + kMonth - absl::Seconds(1)).ok());
  EXPECT_THAT(check(kNow + kMonth + absl::Seconds(1)).message(), HasSubstr("expired"));
}

TEST(Chain, RefusesTheRootAsALeafAndALeafAsARoot) {
  const CertificateAuthority authority = Authority();
  const Validity month = ValidFrom(kNow, kMonth);
  EXPECT_FALSE(CheckIssuedBy(authority.root_der(), authority.root_der(), kNow).ok());
  const auto leaf = authority.IssueCluster(MakeCsr(P256Key::Generate()), kCluster, month);
  EXPECT_FALSE(CheckIssuedBy(*leaf, *leaf, kNow).ok());
  EXPECT_FALSE(CheckIssuedBy("", *leaf, kNow).ok());
  EXPECT_FALSE(CheckIssuedBy(authority.root_der(), "", kNow).ok());
}

TEST(Chain, RefusesEveryFlippedBit) {
  const CertificateAuthority authority = Authority();
  const std::string good =
      *authority.IssueCluster(MakeCsr(P256Key::Generate()), kCluster, ValidFrom(kNow, kMonth));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(CheckIssuedBy(authority.root_der(), bytes, kNow).ok()) << "bit " << bit;
  }
}

// ---------------------------------------------------------------- the signer

TEST(SignerCertificate, YieldsTheKeyThatSigns) {
  const CertificateAuthority authority = Authority();
  const Ed25519PrivateKey key = Ed25519PrivateKey::FromSeed(std::string(32, 's'));
  const auto der = authority.IssueSigner(key.public_key(), ValidFrom(kNow, kMonth));
  ASSERT_TRUE(der.ok()) << der.status();
  const auto found = SignerKey(authority.root_der(), *der, kNow);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->bytes(), key.public_key().bytes());
}

TEST(SignerCertificate, IsNothingElseAndNothingElseIsOne) {
  const CertificateAuthority authority = Authority(), other = Authority();
  const Validity month = ValidFrom(kNow, kMonth);
  const Ed25519PublicKey key = Ed25519PrivateKey::FromSeed(std::string(32, 's')).public_key();
  const auto cluster = authority.IssueCluster(MakeCsr(P256Key::Generate()), kCluster, month);
  EXPECT_THAT(SignerKey(authority.root_der(), *cluster, kNow).status().message(),
              HasSubstr("not this hub's signer's"));
  EXPECT_FALSE(SignerKey(authority.root_der(), *other.IssueSigner(key, month), kNow).ok());
  EXPECT_FALSE(SignerKey(authority.root_der(), *authority.IssueSigner(key, month),
                         kNow + kMonth + absl::Seconds(1))
                   .ok());
  EXPECT_FALSE(SignerKey(authority.root_der(), "", kNow).ok());
}

// ---------------------------------------------------------------- encodings

TEST(Identity, ReadsOnlyWhatItWrites) {
  const std::string hub = Digest::Of("hub").hex();
  for (const Identity& identity : {Identity{Identity::Kind::kCluster, hub, "c1"},
                                   Identity{Identity::Kind::kOperator, hub, "a@b.c"},
                                   Identity{Identity::Kind::kSigner, hub, ""}}) {
    EXPECT_EQ(*ParseIdentity(IdentityUri(identity)), identity);
  }
  const std::string good = absl::StrCat("spiffe://", hub, "/cluster/c1");
  ASSERT_TRUE(ParseIdentity(good).ok());
  for (const std::string& bad :
       {std::string(), std::string("spiffe://"), absl::StrReplaceAll(good, {{"spiffe", "SPIFFE"}}),
        absl::StrReplaceAll(good, {{hub, hub.substr(1)}}), absl::StrCat(good, "/"),
        absl::StrCat(good, "?x"), absl::StrCat("spiffe://", hub), absl::StrCat("x", good),
        absl::StrCat("spiffe://", hub, "/cluster/"), absl::StrCat("spiffe://", hub, "/admin/x"),
        absl::StrCat("spiffe://", hub, "/signer/x"), absl::StrCat("spiffe://", hub, "//cluster/x"),
        absl::StrCat("spiffe://", absl::AsciiStrToUpper(hub), "/cluster/x")}) {
    EXPECT_FALSE(ParseIdentity(bad).ok()) << bad;
  }
}

TEST(Pem, ReadsBackItsOwnAndNothingElse) {
  const std::string der = Authority().root_der();
  const std::string pem = CertificateToPem(der);
  EXPECT_EQ(*CertificateFromPem(pem), der);
  EXPECT_FALSE(CertificateFromPem(pem + pem).ok());
  EXPECT_FALSE(CertificateFromPem("text\n" + pem).ok());
  EXPECT_FALSE(CertificateFromPem(absl::StrReplaceAll(pem, {{"\n", "\r\n"}})).ok());
  EXPECT_FALSE(CertificateFromPem(P256Key::Generate().ToPem()).ok());
  for (size_t bit = 0; bit < pem.size() * 8; ++bit) {
    std::string bytes = pem;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const auto read = CertificateFromPem(bytes);
    // White space at the end is the only freedom; another certificate is another certificate.
    EXPECT_TRUE(!read.ok() || *read != der || bit / 8 == pem.size() - 1) << "bit " << bit;
  }
}

TEST(P256Key, SurvivesItsPemAndRefusesOthers) {
  const P256Key key = P256Key::Generate();
  EXPECT_EQ(P256Key::FromPem(key.ToPem())->Spki(), key.Spki());
  EXPECT_FALSE(P256Key::FromPem(Ed25519PrivateKey::Generate().ToPem()).ok());
  EXPECT_FALSE(Ed25519PrivateKey::FromPem(key.ToPem()).ok());
  EXPECT_FALSE(P256Key::FromPem("").ok());
}

}  // namespace
}  // namespace muster
