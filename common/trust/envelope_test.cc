// Envelopes and the Ed25519 keys under them.
#include "common/trust/envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/base/limits.h"
#include "common/trust/ed25519.h"

namespace muster {
namespace {

namespace pb = muster::v1;

constexpr char kType[] = "application/vnd.muster.test";

Ed25519PrivateKey Key(char seed) { return Ed25519PrivateKey::FromSeed(std::string(32, seed)); }

pb::Envelope Signed(const std::vector<Ed25519PrivateKey>& keys, absl::string_view payload) {
  pb::Envelope envelope;
  for (const Ed25519PrivateKey& key : keys) {
    const auto one = Ed25519Signer(key).Sign(kType, payload);
    envelope.set_payload_type(one->payload_type());
    envelope.set_payload(one->payload());
    *envelope.add_signatures() = one->signatures(0);
  }
  return envelope;
}

Ed25519Verifier Trusting(const std::vector<Ed25519PrivateKey>& keys, int threshold) {
  std::vector<Ed25519PublicKey> trusted;
  for (const Ed25519PrivateKey& key : keys) trusted.push_back(key.public_key());
  return Ed25519Verifier(trusted, threshold);
}

TEST(Pae, IsWhatDsseSays) {
  // The example of the DSSE specification.
  EXPECT_EQ(Pae("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(Pae("", ""), "DSSEv1 0  0 ");
}

TEST(Ed25519, SignsAsRfc8032Says) {
  // RFC 8032, section 7.1, test 2.
  const auto key = Ed25519PrivateKey::FromSeed(
      absl::HexStringToBytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(absl::BytesToHexString(key.public_key().bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(absl::BytesToHexString(key.Sign("\x72")),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(key.public_key().Verify("\x72", key.Sign("\x72")));
  EXPECT_FALSE(key.public_key().Verify("\x73", key.Sign("\x72")));
  EXPECT_FALSE(key.public_key().Verify("\x72", ""));
  EXPECT_FALSE(key.public_key().Verify("\x72", key.Sign("\x72") + "x"));
}

TEST(Ed25519, KeysSurviveTheirPem) {
  const Ed25519PrivateKey key = Ed25519PrivateKey::Generate();
  const auto again = Ed25519PrivateKey::FromPem(key.ToPem());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->public_key().bytes(), key.public_key().bytes());
  EXPECT_TRUE(key.public_key().Verify("x", again->Sign("x")));
  EXPECT_NE(Ed25519PrivateKey::Generate().public_key().bytes(), key.public_key().bytes());
}

TEST(Ed25519, RefusesPemThatItWouldNotWrite) {
  const std::string pem = Key('a').ToPem();
  EXPECT_TRUE(Ed25519PrivateKey::FromPem(pem + "\n").ok());
  EXPECT_FALSE(Ed25519PrivateKey::FromPem("").ok());
  EXPECT_FALSE(Ed25519PrivateKey::FromPem("x" + pem).ok());
  EXPECT_FALSE(Ed25519PrivateKey::FromPem(pem + pem).ok());
  EXPECT_FALSE(Ed25519PrivateKey::FromPem(pem.substr(0, pem.size() / 2)).ok());
  EXPECT_FALSE(Ed25519PublicKey::FromBytes(std::string(31, 'x')).ok());
  EXPECT_FALSE(Ed25519PublicKey::FromBytes(std::string(33, 'x')).ok());
}

TEST(Envelope, OpensToTheVeryBytesThatWereSigned) {
  const std::string payload("\0\xff binary\n", 10);
  const pb::Envelope envelope = Signed({Key('a')}, payload);
  EXPECT_EQ(*Trusting({Key('a')}, 1).Open(envelope, kType), payload);
  EXPECT_EQ(*Trusting({Key('a')}, 1).Open(Signed({Key('a')}, ""), kType), "");
}

TEST(Envelope, RefusesAnotherKey) {
  const auto opened = Trusting({Key('b')}, 1).Open(Signed({Key('a')}, "x"), kType);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(opened.status().message(), testing::HasSubstr("0 of 1 trusted signatures"));
}

TEST(Envelope, RefusesWhenThereIsNothingToMatch) {
  pb::Envelope envelope = Signed({Key('a')}, "x");
  EXPECT_FALSE(Trusting({}, 1).Open(envelope, kType).ok());
  envelope.clear_signatures();
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(envelope, kType).ok());
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(pb::Envelope(), kType).ok());
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(pb::Envelope(), "").ok());
}

TEST(Envelope, RefusesASignatureOfSomethingElse) {
  pb::Envelope envelope = Signed({Key('a')}, "x");
  *envelope.mutable_signatures(0) = Signed({Key('a')}, "y").signatures(0);
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(envelope, kType).ok());
}

TEST(Envelope, RefusesAnotherType) {
  const pb::Envelope envelope = Signed({Key('a')}, "x");
  const auto opened = Trusting({Key('a')}, 1).Open(envelope, "application/other");
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(opened.status().message(),
              testing::HasSubstr("it holds 'application/vnd.muster.test'"));
}

// Type and payload must not be able to exchange bytes.
TEST(Envelope, RefusesAShiftedBoundary) {
  pb::Envelope envelope = Signed({Key('a')}, "xy");
  envelope.set_payload_type(absl::StrCat(kType, " 2 x"));
  envelope.set_payload("y");
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(envelope, envelope.payload_type()).ok());
}

TEST(Envelope, CountsDistinctKeysTowardsTheThreshold) {
  const auto a = Key('a'), b = Key('b'), c = Key('c');
  const Ed25519Verifier two_of_three = Trusting({a, b, c}, 2);
  EXPECT_TRUE(two_of_three.Open(Signed({a, b}, "x"), kType).ok());
  EXPECT_TRUE(two_of_three.Open(Signed({c, b, a}, "x"), kType).ok());
  EXPECT_FALSE(two_of_three.Open(Signed({a}, "x"), kType).ok());
  EXPECT_FALSE(two_of_three.Open(Signed({a, a}, "x"), kType).ok());
  // A key that is listed twice is one key.
  EXPECT_FALSE(Trusting({a, a}, 2).Open(Signed({a, a}, "x"), kType).ok());
}

TEST(Envelope, IgnoresSignersItDoesNotKnow) {
  const auto old_key = Key('a'), new_key = Key('b');
  const pb::Envelope during_rotation = Signed({new_key, old_key}, "x");
  EXPECT_TRUE(Trusting({old_key}, 1).Open(during_rotation, kType).ok());
  EXPECT_TRUE(Trusting({new_key}, 1).Open(during_rotation, kType).ok());
}

TEST(Envelope, RefusesAWrongSignatureOfAKnownKeyBesideAGoodOne) {
  pb::Envelope envelope = Signed({Key('a'), Key('b')}, "x");
  envelope.mutable_signatures(1)->mutable_signature()->at(5) ^= 1;
  EXPECT_FALSE(Trusting({Key('a'), Key('b')}, 1).Open(envelope, kType).ok());
}

TEST(Envelope, NeverTrustsTheHint) {
  // b's signature under a's name.
  pb::Envelope envelope = Signed({Key('b')}, "x");
  envelope.mutable_signatures(0)->set_key_id(Key('a').public_key().KeyId());
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(envelope, kType).ok());
  // a's signature under b's name, and under none.
  envelope = Signed({Key('a')}, "x");
  envelope.mutable_signatures(0)->set_key_id(Key('b').public_key().KeyId());
  EXPECT_FALSE(Trusting({Key('a'), Key('b')}, 1).Open(envelope, kType).ok());
  envelope.mutable_signatures(0)->clear_key_id();
  EXPECT_FALSE(Trusting({Key('a')}, 1).Open(envelope, kType).ok());
}

TEST(Envelope, RefusesTooManyBytesAndTooManySignatures) {
  const std::string large(limits::kEnvelopeBytesMax, 'x');
  EXPECT_FALSE(Ed25519Signer(Key('a')).Sign(kType, large).ok());
  pb::Envelope envelope = Signed({Key('a')}, "x");
  envelope.set_payload(large);
  EXPECT_THAT(Trusting({Key('a')}, 1).Open(envelope, kType).status().message(),
              testing::HasSubstr("exceed"));
  const std::vector<Ed25519PrivateKey> many(17, Key('a'));
  EXPECT_THAT(Trusting({Key('a')}, 1).Open(Signed(many, "x"), kType).status().message(),
              testing::HasSubstr("signatures exceed 16"));
}

// Every altered encoding must fail to parse or fail to open; none may open, whatever it says.
TEST(EnvelopeBitFlip, OpensNone) {
  const Ed25519Verifier verifier = Trusting({Key('a')}, 1);
  const std::string good = Signed({Key('a')}, "the desired state").SerializeAsString();
  int refused = 0;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    pb::Envelope envelope;
    const bool opened = envelope.ParseFromString(bytes) && verifier.Open(envelope, kType).ok();
    EXPECT_FALSE(opened) << "bit " << bit;
    ++refused;
  }
  EXPECT_EQ(refused, static_cast<int>(good.size() * 8));
  EXPECT_GT(refused, 1'000);
}

TEST(EnvelopeTruncation, OpensNone) {
  const Ed25519Verifier verifier = Trusting({Key('a')}, 1);
  const std::string good = Signed({Key('a')}, "the desired state").SerializeAsString();
  for (size_t size = 0; size < good.size(); ++size) {
    pb::Envelope envelope;
    EXPECT_FALSE(envelope.ParseFromString(good.substr(0, size)) &&
                 verifier.Open(envelope, kType).ok())
        << size;
  }
}

}  // namespace
}  // namespace muster
