// The small pieces of common/base, one suite each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/backoff.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/base/digest.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

TEST(Digest, IsSha256) {
  EXPECT_EQ(Digest::Of("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, ReadsBackItsOwnText) {
  const Digest digest = Digest::Of("abc");
  EXPECT_EQ(*Digest::FromHex(digest.hex()), digest);
  EXPECT_EQ(*Digest::FromBytes(digest.bytes()), digest);
}

TEST(Digest, RefusesOtherText) {
  const std::string hex = Digest::Of("abc").hex();
  EXPECT_FALSE(Digest::FromHex(hex.substr(1)).ok());
  EXPECT_FALSE(Digest::FromHex("BA" + hex.substr(2)).ok());
  EXPECT_FALSE(Digest::FromHex("zz" + hex.substr(2)).ok());
  EXPECT_FALSE(Digest::FromBytes("short").ok());
}

TEST(Digest, EmptyNamesNothing) {
  EXPECT_TRUE(Digest().empty());
  EXPECT_FALSE(Digest::Of("").empty());
}

TEST(Compression, GivesBackTheContent) {
  for (const std::string& content : {std::string(), std::string("a"), std::string(100'000, 'x')}) {
    EXPECT_EQ(*Decompress(Compress(content), content.size()), content);
  }
}

TEST(Compression, UnpacksUnknownSizesUpToALimit) {
  const std::string content(1'000'000, 'x');
  const std::string packed = Compress(content);
  EXPECT_EQ(*DecompressUpTo(packed, content.size()), content);
  EXPECT_EQ(*DecompressUpTo(packed + Compress("y"), content.size() + 1), content + "y");
  EXPECT_EQ(*DecompressUpTo(Compress(""), 0), "");
  EXPECT_TRUE(absl::IsResourceExhausted(DecompressUpTo(packed, content.size() - 1).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(DecompressUpTo(packed, 10).status()));
  EXPECT_FALSE(DecompressUpTo("", 10).ok());
  EXPECT_FALSE(DecompressUpTo("not zstd", 10).ok());
  EXPECT_FALSE(DecompressUpTo(packed.substr(0, packed.size() - 1), content.size()).ok());
}

TEST(Compression, RefusesAnotherSizeThanPromised) {
  const std::string bomb = Compress(std::string(1'000'000, 'x'));
  EXPECT_FALSE(Decompress(bomb, 10).ok());
  EXPECT_FALSE(Decompress(bomb, 1'000'001).ok());
  EXPECT_FALSE(Decompress("not zstd", 8).ok());
  EXPECT_FALSE(Decompress(bomb.substr(0, bomb.size() - 1), 1'000'000).ok());
}

TEST(Backoff, GrowsToItsMaximumAndResets) {
  SeededRandom random(7);
  Backoff backoff(absl::Seconds(1), absl::Seconds(8));
  for (const int ceiling : {1, 2, 4, 8, 8}) {
    const absl::Duration wait = backoff.NextAtLeastHalf(random);
    EXPECT_GE(wait, absl::Seconds(ceiling) / 2);
    EXPECT_LE(wait, absl::Seconds(ceiling));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(random), absl::Seconds(1));
}

TEST(SeededRandom, RepeatsItself) {
  SeededRandom a(1), b(1);
  EXPECT_EQ(a.Bytes(33), b.Bytes(33));
  EXPECT_EQ(a.Bytes(33).size(), 33u);
}

TEST(CheckDeathTest, PrintsItsMessage) {
  EXPECT_DEATH(CHECK(1 == 2) << "because", "check failed: 1 == 2 because");
}

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

absl::StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(StatusMacros, ReturnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
  EXPECT_EQ(Annotate(absl::InvalidArgumentError("odd"), "halve 3").message(), "halve 3: odd");
}

}  // namespace
}  // namespace muster
