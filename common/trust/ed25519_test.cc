// Ed25519 against the vectors of RFC 8032, 7.1, and what has to be refused.
#include "common/trust/ed25519.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace muster {
namespace {

struct Vector {
  std::string seed, key, message, signature;
};

std::string Bytes(absl::string_view hex) { return absl::HexStringToBytes(hex); }

const Vector kVectors[] = {
    {Bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
     Bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), "",
     Bytes("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e397"
           "01cf9b46bd25bf5f0595bbe24655141438e7a100b")},
    {Bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
     Bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), Bytes("72"),
     Bytes("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f361"
           "3d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")},
};

TEST(Ed25519, SignsAndVerifiesAsTheStandardSays) {
  for (const Vector& vector : kVectors) {
    const Ed25519PrivateKey key = Ed25519PrivateKey::FromSeed(vector.seed);
    EXPECT_EQ(key.public_key().bytes(), vector.key);
    EXPECT_EQ(key.Sign(vector.message), vector.signature);
    EXPECT_TRUE(key.public_key().Verify(vector.message, vector.signature));
  }
}

TEST(Ed25519, RefusesWhatIsAlteredAnywhere) {
  const Vector& vector = kVectors[1];
  const Ed25519PublicKey key = *Ed25519PublicKey::FromBytes(vector.key);
  EXPECT_FALSE(key.Verify(Bytes("73"), vector.signature));
  for (size_t i = 0; i < vector.signature.size(); ++i) {
    std::string signature = vector.signature;
    signature[i] ^= 1;
    EXPECT_FALSE(key.Verify(vector.message, signature)) << i;
  }
  EXPECT_FALSE(key.Verify(vector.message, vector.signature.substr(0, 63)));
  EXPECT_FALSE(key.Verify(vector.message, vector.signature + '\0'));
  EXPECT_FALSE(key.Verify(vector.message, ""));
}

// The same signature with the group's order added to its scalar: whoever takes it lets anybody make
// a second signature from the first.
TEST(Ed25519, RefusesAScalarThatIsNotReduced) {
  const Vector& vector = kVectors[1];
  const std::string order =
      Bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string signature = vector.signature;
  int carry = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const int sum = static_cast<unsigned char>(signature[32 + i]) +
                    static_cast<unsigned char>(order[i]) + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  ASSERT_EQ(carry, 0);
  EXPECT_FALSE(Ed25519PublicKey::FromBytes(vector.key)->Verify(vector.message, signature));
}

// Under the neutral element as a key, the neutral element and zero sign every message.
TEST(Ed25519, RefusesAKeyOfSmallOrder) {
  std::string neutral(32, '\0');
  neutral[0] = 1;
  const std::string signature = neutral + std::string(32, '\0');
  EXPECT_FALSE(Ed25519PublicKey::FromBytes(neutral)->Verify("anything", signature));
}

TEST(Ed25519, RefusesKeysOfAnotherLength) {
  EXPECT_FALSE(Ed25519PublicKey::FromBytes(std::string(31, 'k')).ok());
  EXPECT_FALSE(Ed25519PublicKey::FromBytes("").ok());
}

}  // namespace
}  // namespace muster
