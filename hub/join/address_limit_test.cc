#include "hub/join/address_limit.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

constexpr AddressLimitOptions kOptions = {.burst = 3, .per_second = 2, .addresses_max = 10};
const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(AddressLimit, LetsABurstThroughAndThenTheRate) {
  AddressLimit limit(kOptions);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.Allow("192.0.2.1", kStart)) << i;
  EXPECT_FALSE(limit.Allow("192.0.2.1", kStart));
  EXPECT_FALSE(limit.Allow("192.0.2.1", kStart + absl::Milliseconds(400)));
  EXPECT_TRUE(limit.Allow("192.0.2.1", kStart + absl::Milliseconds(500)));
  EXPECT_FALSE(limit.Allow("192.0.2.1", kStart + absl::Milliseconds(600)));
}

TEST(AddressLimit, CountsEachAddressByItself) {
  AddressLimit limit(kOptions);
  while (limit.Allow("192.0.2.1", kStart)) {
  }
  EXPECT_TRUE(limit.Allow("192.0.2.2", kStart));
}

TEST(AddressLimit, SavesNoMoreThanABurst) {
  AddressLimit limit(kOptions);
  EXPECT_TRUE(limit.Allow("192.0.2.1", kStart));
  const absl::Time later = kStart + absl::Hours(24 * 400);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.Allow("192.0.2.1", later)) << i;
  EXPECT_FALSE(limit.Allow("192.0.2.1", later));
}

TEST(AddressLimit, AClockThatGoesBackGivesNothing) {
  AddressLimit limit(kOptions);
  while (limit.Allow("192.0.2.1", kStart)) {
  }
  EXPECT_FALSE(limit.Allow("192.0.2.1", kStart - absl::Hours(1)));
  EXPECT_FALSE(limit.Allow("192.0.2.1", kStart));
}

TEST(AddressLimit, RemembersABoundedNumberOfAddresses) {
  AddressLimit limit(kOptions);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(limit.Allow(absl::StrCat("192.0.2.", i), kStart + absl::Milliseconds(i)));
    EXPECT_LE(limit.addresses(), kOptions.addresses_max);
  }
}

TEST(AddressOfPeer, LeavesThePortAway) {
  EXPECT_EQ(AddressOfPeer("ipv4:192.0.2.1:5000"), "192.0.2.1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B::1%5D:5000"), "::1");
  EXPECT_EQ(AddressOfPeer("ipv6:[::ffff:192.0.2.1]:5000"), "192.0.2.1");
}

TEST(AddressOfPeer, ANetworkOfIpv6IsOneAddress) {
  EXPECT_EQ(AddressOfPeer("ipv6:%5B2001:db8:1:2::1%5D:5000"),
            AddressOfPeer("ipv6:%5B2001:db8:1:2:ffff::9%5D:6000"));
  EXPECT_NE(AddressOfPeer("ipv6:%5B2001:db8:1:2::1%5D:5000"),
            AddressOfPeer("ipv6:%5B2001:db8:1:3::1%5D:5000"));
}

TEST(IsLoopback, KnowsBothKinds) {
  EXPECT_TRUE(IsLoopback("127.0.0.1"));
  EXPECT_TRUE(IsLoopback("127.9.9.9"));
  EXPECT_TRUE(IsLoopback("::1"));
  EXPECT_FALSE(IsLoopback("192.0.2.127"));
}

}  // namespace
}  // namespace muster::hub
